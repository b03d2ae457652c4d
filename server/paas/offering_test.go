package paas_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestAPlanIsFoundByItsIdsAndByItsExactNames(t *testing.T) {
	t.Parallel()
	c := paas.Catalog{Offerings: []paas.Offering{
		{ID: "o1", Name: "Postgres", Plans: []paas.ServicePlan{{ID: "p1", Name: "small"}}},
		{ID: "o2", Name: "postgres", Plans: []paas.ServicePlan{{ID: "p2", Name: "small"}, {ID: "p3", Name: "Small"}}},
	}}
	if o, p, ok := c.Plan("o2", "p2"); !ok || o.ID != "o2" || p.ID != "p2" {
		t.Errorf("Plan = %s, %s, %t", o.ID, p.ID, ok)
	}
	for _, ids := range [][2]string{{"o1", "p2"}, {"o3", "p1"}, {"postgres", "small"}} {
		if _, _, ok := c.Plan(ids[0], ids[1]); ok {
			t.Errorf("Plan(%q) was found", ids)
		}
	}
	if o, p, err := c.Named("postgres", "Small"); err != nil || o.ID != "o2" || p.ID != "p3" {
		t.Errorf("Named = %s, %s, %v", o.ID, p.ID, err)
	}
	for _, names := range [][2]string{{"POSTGRES", "small"}, {"Postgres", "Small"}} {
		if _, _, err := c.Named(names[0], names[1]); paas.CodeOf(err) != paas.NotFound {
			t.Errorf("Named(%q) = %v, want not found", names, err)
		}
	}
}

func TestTheCatalogSaysWhatMayBeAsked(t *testing.T) {
	t.Parallel()
	acts := []paas.ServiceAct{paas.ActBind, paas.ActRotate, paas.ActChangePlan, paas.ActChangeContext, paas.ActFetchInstance, paas.ActFetchBinding}
	all := paas.Offering{AllowContextUpdates: true, InstancesRetrievable: true, BindingsRetrievable: true}
	plan := paas.ServicePlan{Bindable: true, BindingRotatable: true, PlanUpdateable: true}
	for _, act := range acts {
		if err := all.Allows(act, plan); err != nil {
			t.Errorf("%s: %v", act, err)
		}
		if err := (paas.Offering{}).Allows(act, paas.ServicePlan{}); paas.CodeOf(err) != paas.Invalid {
			t.Errorf("%s where nothing is declared: %v, want invalid", act, err)
		}
	}
	unbindable := plan
	unbindable.Bindable = false
	if all.Allows(paas.ActRotate, unbindable) == nil {
		t.Error("a plan that can't be bound can be rotated")
	}
}

func TestABindingHoldsOnlyWhatItsOfferingDeclares(t *testing.T) {
	t.Parallel()
	b := paas.ServiceBinding{
		SyslogDrainURL: paas.NewSecret("syslog://drain"), RouteServiceURL: paas.NewSecret("https://route"),
		VolumeMounts: []paas.VolumeMount{{Driver: "nfs"}},
	}
	var got []string
	for _, f := range (paas.Offering{Name: "x", Requires: []string{"syslog_drain"}}).Permits(b) {
		got = append(got, f.Location)
	}
	if diff := cmp.Diff([]string{"route_service_url", "volume_mounts"}, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	declared := paas.Offering{Requires: []string{"volume_mount", "route_forwarding", "syslog_drain"}}
	if faults := declared.Permits(b); faults != nil {
		t.Errorf("faults %v of what is declared", faults)
	}
	if faults := (paas.Offering{}).Permits(paas.ServiceBinding{Credentials: paas.NewSecret("{}")}); faults != nil {
		t.Errorf("faults %v of credentials alone", faults)
	}
}

func TestOfAnErrorThatIsNoBrokersNothingIsKnown(t *testing.T) {
	t.Parallel()
	if o := paas.OutcomeOfBroker(errors.New("disk full")); paas.Orphaned(paas.OpProvision, o) != paas.OrphanInstance {
		t.Errorf("outcome %+v leaves no orphan: the specification counts an internal error as one that may", o)
	}
	f := &paas.BrokerFailure{Op: paas.OpBind, Outcome: paas.BrokerOutcome{End: paas.EndAnswered, Status: 422, Error: "RequiresApp"}}
	if got := paas.OutcomeOfBroker(paas.Wrap(paas.Invalid, f, "no")); got != f.Outcome {
		t.Errorf("outcome = %+v, want %+v", got, f.Outcome)
	}
	if got, want := f.Error(), "bind: answered, status 422, error RequiresApp"; got != want {
		t.Errorf("Error = %q, want %q", got, want)
	}
}

func TestAPollAsksUnderThePlanBeforeTheUpdate(t *testing.T) {
	t.Parallel()
	u := paas.UpdateRequest{InstanceID: "i", OfferingID: "o", PlanID: "new", PreviousPlanID: "old"}
	want := paas.PollRequest{Op: paas.OpUpdate, InstanceID: "i", OfferingID: "o", PlanID: "old", Operation: "task"}
	if diff := cmp.Diff(want, u.Poll("task")); diff != "" {
		t.Errorf("poll (-want +got):\n%s", diff)
	}
}
