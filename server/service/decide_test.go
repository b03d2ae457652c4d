package service_test

import (
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/service"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func answered(status int) paas.BrokerOutcome {
	return paas.BrokerOutcome{End: paas.EndAnswered, Status: status}
}

func ended(how paas.BrokerEnd) paas.BrokerOutcome { return paas.BrokerOutcome{End: how} }

func TestWhatFollowsFromTheEndOfACall(t *testing.T) {
	t.Parallel()
	provision := paas.Operation{Op: paas.OpProvision, Kind: paas.KindBroker, Attempt: 1}
	bind := paas.Operation{Op: paas.OpBind, Kind: paas.KindBroker, Attempt: 1}
	update := paas.Operation{Op: paas.OpUpdate, Kind: paas.KindBroker, Attempt: 1}
	deprovision := paas.Operation{Op: paas.OpDeprovision, Kind: paas.KindBroker, Attempt: 1}
	unbind := paas.Operation{Op: paas.OpUnbind, Kind: paas.KindBroker, Attempt: 1}
	clean := paas.Operation{Op: paas.OpDeprovision, Kind: paas.KindBroker, Attempt: 1, Cleaning: true}
	late := clean
	late.Until = noon.Add(time.Minute)
	tired := func(o paas.Operation) paas.Operation { o.Attempt = 50; return o }
	own := func(o paas.Operation) paas.Operation { o.Kind = paas.KindPostgres; return o }
	concurrent, failed, unrepeatable := answered(422), answered(200), answered(500)
	concurrent.Error, failed.Polled, unrepeatable.Unrepeatable = paas.ErrorConcurrency, paas.PollFailed, true
	givenUp := answered(404)
	givenUp.Polled = paas.PollGivenUp
	for name, c := range map[string]struct {
		o     paas.Operation
		out   paas.BrokerOutcome
		next  string
		clean bool
	}{
		"a provision with 201 has succeeded":                                 {provision, answered(201), "succeeded", false},
		"a provision with 202 is polled":                                     {provision, answered(202), "polled", false},
		"a provision with 400 has failed":                                    {provision, answered(400), "failed", false},
		"a provision with 500 is deleted, and tried under a new id":          {provision, answered(500), "anew", true},
		"a provision that was cut off, too":                                  {provision, ended(paas.EndBroken), "anew", true},
		"a provision without an answer, too":                                 {provision, ended(paas.EndTimeout), "anew", true},
		"a provision with a 201 that is garbage, too":                        {provision, paas.BrokerOutcome{End: paas.EndMalformed, Status: 201}, "anew", true},
		"a provision with 500 many times has failed":                         {tired(provision), answered(500), "failed", true},
		"a provision that failed in the background is deleted":               {provision, failed, "failed", true},
		"a provision whose polling was given up is deleted":                  {provision, givenUp, "failed", true},
		"a provision that was never sent is tried for ever":                  {tired(provision), ended(paas.EndUnsent), "again", false},
		"a provision of our own that was refused is cleaned up":              {own(provision), answered(400), "failed", true},
		"a provision that makes no sense has failed":                         {provision, ended(paas.EndRefused), "failed", false},
		"a bind with 500 is ended, and tried under a new id":                 {bind, answered(500), "anew", true},
		"a bind with 422 of concurrency is tried again":                      {bind, concurrent, "again", false},
		"a bind with 422 of concurrency many times has failed":               {tired(bind), concurrent, "failed", false},
		"a bind of our own that Vault can't do now is tried again":           {own(bind), ended(paas.EndUnsent), "again", false},
		"an update with 500 is tried again":                                  {update, answered(500), "again", false},
		"an update that must not be repeated is not":                         {update, unrepeatable, "failed", false},
		"an update that was cut off is tried again":                          {update, ended(paas.EndBroken), "again", false},
		"an update with 422 has failed":                                      {update, answered(422), "failed", false},
		"a deletion with 410 has succeeded":                                  {deprovision, answered(410), "succeeded", false},
		"a deletion with 400 has failed":                                     {deprovision, answered(400), "failed", false},
		"a deletion with 500 goes on":                                        {tired(deprovision), answered(500), "again", false},
		"a deletion that was cut off goes on":                                {tired(deprovision), ended(paas.EndBroken), "again", false},
		"a deletion that failed in the background goes on":                   {deprovision, failed, "again", false},
		"an unbinding with 400 goes on: credentials must end":                {tired(unbind), answered(400), "again", false},
		"an unbinding with 410 has succeeded":                                {unbind, answered(410), "succeeded", false},
		"cleaning goes on through a 400":                                     {tired(clean), answered(400), "again", false},
		"cleaning ends when it is gone":                                      {clean, answered(410), "succeeded", false},
		"cleaning does not believe that while the call may still come":       {late, answered(410), "again", false},
		"cleaning believes that it was there and is deleted":                 {late, answered(200), "succeeded", false},
		"a call that makes no sense is not made for ever, even for cleaning": {clean, ended(paas.EndRefused), "failed", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := service.Judge(c.o, c.out, noon)
			if v.Next != c.next || v.Clean != c.clean {
				t.Errorf("next %s, clean %t; want %s, %t", v.Next, v.Clean, c.next, c.clean)
			}
			waits := v.Next == "again" || v.Next == "anew" || v.Next == "polled"
			if waits != (v.Wait > 0) || v.Wait > time.Hour {
				t.Errorf("%s after %s", v.Next, v.Wait)
			}
		})
	}
}

func TestABrokerThatIsAwayForAnHourIsAskedEverLessOften(t *testing.T) {
	t.Parallel()
	o, passed, last := paas.Operation{Op: paas.OpProvision, Kind: paas.KindBroker}, time.Duration(0), time.Duration(0)
	for passed < time.Hour {
		o.Attempt++
		v := service.Judge(o, ended(paas.EndUnsent), noon)
		if v.Next != "again" || v.Clean || v.Wait < last || v.Wait > 5*time.Minute {
			t.Fatalf("after %s, at try %d: %+v, after %s", passed, o.Attempt, v, last)
		}
		last = v.Wait
		passed += v.Wait
	}
	if o.Attempt > 25 {
		t.Errorf("asked %d times in an hour", o.Attempt)
	}
}

func TestWordsThatRepeatWhatWasGivenAreWithheld(t *testing.T) {
	t.Parallel()
	given := paas.NewSecret(`{"owner":"s3cr3t/+ value","nested":{"list":["deep-secret",12345]},"pem":"line-one\nline-two","ok":true,"n":7}`)
	for _, words := range []string{
		"owner s3cr3t/+ value is not known", "OWNER S3CR3T/+ VALUE", "see /x?q=s3cr3t%2F%2B+value", "deep-secret", "12345 is too much", "bad: line-one line-two",
	} {
		if got := service.Withheld(words, given); got == words {
			t.Errorf("%q was kept", words)
		}
	}
	for _, words := range []string{"", "It needs 7 nodes, true?", "The owner is not known."} {
		if got := service.Withheld(words, given, paas.Secret{}); got != words {
			t.Errorf("%q became %q", words, got)
		}
	}
	if got := service.Withheld("token abcd-efgh refused", paas.NewSecret("abcd-efgh")); got == "token abcd-efgh refused" {
		t.Error("a plain secret was kept")
	}
}

func TestCredentialsBecomeFiles(t *testing.T) {
	t.Parallel()
	got, ok := service.Flatten(paas.NewSecret(`{"uri":"a\"b","port":5672,"list":[1, 2],"null":null,"../up":"x","a/b":"x","":"x",".hidden":"x","type":"spoofed","provider":"spoofed","credentials_json":"spoofed"}`))
	want := map[string]string{"uri": `a"b`, "port": "5672", "list": "[1,2]", "null": ""}
	if !ok || len(got) != len(want)+1 {
		t.Errorf("got %d files: %v", len(got), ok)
	}
	for name, value := range want {
		if got[name].Reveal() != value {
			t.Errorf("%s is %q, want %q", name, got[name].Reveal(), value)
		}
	}
	if whole := got[paas.CredentialsKey].Reveal(); len(whole) < 100 {
		t.Errorf("the whole object: %q", whole)
	}
	for _, bad := range []string{``, `[]`, `"x"`, `null`, `{"a":1} {"b":2}`, `{`} {
		if _, ok := service.Flatten(paas.NewSecret(bad)); ok {
			t.Errorf("%q was taken for an object", bad)
		}
	}
}
