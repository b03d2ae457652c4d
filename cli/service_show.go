package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func newServicesListCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the team's service instances",
		Example: `  crumpet services list
  crumpet services list --team store --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			list, err := c.Services(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return s.printJSON(list)
			}
			s.showServices(list.Items)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (s *session) showServices(list []wire.Service) {
	if len(list) == 0 {
		s.say("There is no service instance yet. `crumpet services catalog` shows what there can be.")
		return
	}
	var rows [][]string
	for _, i := range list {
		rows = append(rows, []string{i.Name, s.tone(string(i.State)), string(i.Kind), madeOf(i), i.Provider, boundTo(i), lastOperation(i)})
	}
	table := s.tableLines([]string{"SERVICE", "STATE", "KIND", "OFFERING", "PROVIDER", "APPS", "LAST"}, rows)
	s.print("%s", table[0])
	for n, i := range list {
		s.print("%s", table[n+1])
		if reason := serviceReason(i); reason != "" {
			for _, line := range s.wrapped("  " + reason) {
				s.print("%s", s.faint(line))
			}
		}
	}
}

// madeOf is an instance's offering and plan.
func madeOf(i wire.Service) string {
	switch {
	case i.Offering == "":
		return "-"
	case i.Plan == "":
		return i.Offering
	}
	return i.Offering + "/" + i.Plan
}

// boundTo names the apps that are bound, each once.
func boundTo(i wire.Service) string {
	var apps []string
	for _, b := range standing(i) {
		if !b.Key() {
			apps = append(apps, b.App)
		}
	}
	slices.Sort(apps)
	return cmp.Or(strings.Join(slices.Compact(apps), ", "), "-")
}

// standing are the bindings and keys of an instance that have not ended.
func standing(i wire.Service) []paas.Binding {
	return slices.DeleteFunc(slices.Concat(i.Bindings, i.Keys), func(b paas.Binding) bool { return b.State == paas.BindingEnded })
}

// lastOperation is what is being done, or when the instance was made.
func lastOperation(i wire.Service) string {
	if n := len(i.Operations); n > 0 {
		return operationText(i.Operations[n-1])
	}
	return "made " + ago(i.CreatedAt)
}

func operationText(o wire.ServiceOperation) string {
	text := string(o.Op)
	if o.Binding != "" {
		text += " " + o.Binding
	}
	if o.Attempt > 1 {
		text += fmt.Sprintf(", try %d", o.Attempt)
	}
	return text + ", begun " + ago(o.CreatedAt)
}

// serviceReason is why an instance is not as it should be: its own reason, or that of what is being done.
func serviceReason(i wire.Service) string {
	reason := i.Reason
	for _, o := range i.Operations {
		reason = cmp.Or(reason, o.Reason)
	}
	if reason == "" && i.Vanished {
		reason = "its plan is no longer in the catalog"
	}
	return reason
}

func newServiceShowCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "Show a service instance, who is bound to it and what is being done with it",
		Example: `  crumpet services show shop-db
  crumpet services show shop-db --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			service, err := s.serviceNamed(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return s.printJSON(service)
			}
			s.showService(service)
			return nil
		},
		ValidArgsFunction: completing(s.serviceNames),
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// serviceNamed gives an instance; of an unknown one it says which was most likely meant.
func (s *session) serviceNamed(ctx context.Context, c *client.Client, name string) (wire.Service, error) {
	service, err := c.Service(ctx, name)
	if paas.CodeOf(err) != paas.NotFound {
		return service, err
	}
	list, listErr := c.Services(ctx)
	if listErr != nil {
		return service, err
	}
	var names []string
	for _, i := range list.Items {
		names = append(names, i.Name)
	}
	return service, nearest(err, name, names)
}

func (s *session) showService(i wire.Service) {
	s.print("%s is %s: %s, made %s by %s", s.bold(i.Name), s.tone(string(i.State)), kindText(i), ago(i.CreatedAt), i.CreatedBy)
	if reason := serviceReason(i); reason != "" {
		s.print("%s", ended(upperFirst(reason)))
	}
	if i.Unusable {
		s.print("It can't be bound any more. Delete it, and make another.")
	}
	if len(i.NotActedOn) > 0 {
		s.print("Stored, and not acted on yet: %s.", strings.Join(i.NotActedOn, ", "))
	}
	var rows [][]string
	if i.Dashboard != "" {
		rows = append(rows, []string{"dashboard", i.Dashboard})
	}
	for _, name := range slices.Sorted(maps.Keys(i.Facts)) {
		rows = append(rows, []string{name, i.Facts[name]})
	}
	if len(rows) > 0 {
		s.print("")
		s.table(s.out, []string{"FACT", ""}, rows)
	}
	if len(i.Bindings) > 0 {
		s.print("")
		s.print("%s", strings.Join(s.bindingLines(i.Bindings, true), "\n"))
	}
	if len(i.Keys) > 0 {
		s.print("")
		s.showServiceKeys(i.Keys)
	}
	if len(i.Operations) > 0 {
		rows = nil
		for _, o := range i.Operations {
			next := "-"
			if o.NextAt != nil {
				next = untilText(*o.NextAt)
			}
			rows = append(rows, []string{string(o.Op), cmp.Or(o.App+strings.Repeat(" ", min(1, len(o.App)))+o.Binding, "-"), string(o.State), fmt.Sprint(o.Attempt), ago(o.CreatedAt), next, o.Reason})
		}
		s.print("")
		s.table(s.out, []string{"OPERATION", "OF", "STATE", "TRY", "BEGUN", "NEXT", ""}, rows)
	}
}

// kindText says what an instance is.
func kindText(i wire.Service) string {
	if i.Kind == paas.KindUser {
		return "credentials given by hand"
	}
	return fmt.Sprintf("%s of %s (%s)", madeOf(i), i.Provider, i.Kind)
}

// bindingLines shows bindings in a table, and below a row why it is not well.
func (s *session) bindingLines(list []paas.Binding, ofApps bool) []string {
	header := []string{"BINDING", "INSTANCE", "STATE", "AS", "GENERATION", "ISSUED"}
	if ofApps {
		header[1] = "APP"
	}
	var rows [][]string
	for _, b := range list {
		of := b.Instance
		if ofApps {
			of = b.App
		}
		rows = append(rows, []string{b.Name, of, s.tone(string(b.State)), asText(b), generationText(b), ago(b.RotatedAt)})
	}
	table := s.tableLines(header, rows)
	lines := slices.Clone(table[:1])
	for n, b := range list {
		lines = append(lines, table[n+1])
		if b.Reason != "" {
			for _, line := range s.wrapped("  " + b.Reason) {
				lines = append(lines, s.faint(line))
			}
		}
	}
	return lines
}

// asText is how a binding reaches programs, as far as the binding says it.
func asText(b paas.Binding) string {
	switch {
	case b.Bind.As == "":
		return "-"
	case b.Bind.Env != "":
		return b.Bind.Env
	case b.Bind.Signal != "":
		return string(b.Bind.As) + ", " + b.Bind.Signal
	}
	return string(b.Bind.As)
}

// generationText counts the credentials issued, and names those that are not ended yet.
func generationText(b paas.Binding) string {
	if len(b.Retiring) == 0 {
		return number(b.Generation)
	}
	var old []string
	for _, g := range b.Retiring {
		old = append(old, fmt.Sprint(g))
	}
	return fmt.Sprintf("%d (and %s)", b.Generation, strings.Join(old, ", "))
}
