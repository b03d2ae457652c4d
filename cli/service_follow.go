package cli

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// serviceEvents are the kinds that tell of instances and bindings.
var serviceEvents = []string{"service", "binding"}

// serviceWalk is something that is being done with an instance.
type serviceWalk struct {
	c       *client.Client
	service wire.Service
	after   int64  // the last event before it began
	doing   string // Creating, Updating or Deleting
	detach  bool
	asJSON  bool
}

// settleService shows what is being done with an instance until it has ended.
func (s *session) settleService(ctx context.Context, w serviceWalk) error {
	name, began := w.service.Name, time.Now()
	if w.detach {
		if w.asJSON {
			return s.printJSON(w.service)
		}
		s.print("%s is %s. `crumpet services show %s` shows how far it is.", name, w.service.State, name)
		return nil
	}
	p := newProgress(s, w.asJSON)
	defer p.close()
	gone, noted := false, ""
	look := func() (bool, error) {
		service, err := w.c.Service(ctx, name)
		if paas.CodeOf(err) == paas.NotFound && w.doing == "Deleting" {
			gone = true
			return true, nil
		}
		if err != nil {
			return false, err
		}
		w.service = service
		if note := serviceReason(service); !settled(service) && note != noted {
			if noted = note; note != "" {
				p.line("  %s", note)
			}
		}
		return settled(service), nil
	}
	p.begin(w.doing)
	ended, err := settled(w.service), error(nil)
	if !ended {
		ended, err = look()
	}
	if !ended && err == nil {
		err = awaitEvents(ctx, w.c, client.EventQuery{Kinds: serviceEvents}, &w.after, func(e paas.Event) bool { p.say(e.Message); return true }, look)
	}
	if err != nil {
		p.close()
		return s.leftService(ctx, err, name)
	}
	switch service := w.service; {
	case gone:
		p.done("%s is deleted.", name)
		return nil
	case service.State == paas.ServiceReady && w.doing != "Deleting" && (service.Reason == "" || w.doing == "Creating"):
		if w.asJSON {
			return s.printJSON(service)
		}
		p.done("%s is ready: %s. It took %s.", name, kindText(service), seconds(time.Since(began)))
		if w.doing == "Creating" {
			s.print("`crumpet services bind %s --app APP` gives an app credentials of it.", name)
		}
		if apps := boundTo(service); w.doing == "Updating" && service.Kind == paas.KindUser && apps != "-" {
			s.print("New credentials are on their way to %s. `crumpet services show %s` shows who has them.", apps, name)
		}
		for _, what := range service.NotActedOn {
			s.say("The %s is stored, and not acted on yet.", what)
		}
		return nil
	default:
		p.close()
		return s.unsettled(service, w.doing)
	}
}

// settled says that nothing more happens to an instance by itself.
func settled(service wire.Service) bool {
	return service.State == paas.ServiceReady || service.State == paas.ServiceFailed
}

// unsettled tells what did not come of a wish.
func (s *session) unsettled(service wire.Service, doing string) error {
	text := map[string]string{
		"Creating": "%s could not be made. `crumpet services delete %s` takes away what is left of it.",
		"Updating": "%s could not be changed. `crumpet services show %s` shows how it is.",
		"Deleting": "%s could not be deleted. `crumpet services delete %s` tries again.",
	}[doing]
	s.say(text, service.Name, service.Name)
	if reason := serviceReason(service); reason != "" {
		s.say("  %s", ended(upperFirst(reason)))
	}
	return &saidError{errors.New("not done")}
}

// leftService is the failure of not having seen the end: what was begun goes on.
func (s *session) leftService(ctx context.Context, err error, name string) error {
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	} else {
		s.say("%s", sentenceOf(err))
	}
	s.say("It goes on without this command. `crumpet services show %s` shows how far it is.", name)
	return &saidError{err}
}

// settleBindings shows what becomes of bindings of an instance until done says so of each. Those that are
// gone are done.
func (s *session) settleBindings(ctx context.Context, c *client.Client, after int64, p *progress, name string, ids []string, done func(wire.Service, paas.Binding) bool) ([]paas.Binding, error) {
	var last []paas.Binding
	noted := map[string]string{}
	look := func() (bool, error) {
		service, err := c.Service(ctx, name)
		if err != nil {
			return false, err
		}
		last = nil
		all := true
		for _, b := range append(service.Bindings, service.Keys...) {
			if !slices.Contains(ids, b.ID) {
				continue
			}
			last = append(last, b)
			if b.Reason != noted[b.ID] {
				if noted[b.ID] = b.Reason; b.Reason != "" {
					p.line("  %s", holderOf(b)+": "+b.Reason)
				}
			}
			all = done(service, b) && all
		}
		return all, nil
	}
	if ended, err := look(); ended || err != nil {
		return last, err
	}
	err := awaitEvents(ctx, c, client.EventQuery{Kinds: serviceEvents}, &after, func(e paas.Event) bool { p.say(e.Message); return true }, look)
	return last, err
}

// holderOf names a binding for a sentence.
func holderOf(b paas.Binding) string {
	if b.Key() {
		return "key " + b.Name
	}
	return b.App + " (" + b.Name + ")"
}

// madeReady says that a binding needs no more waiting for.
func madeReady(_ wire.Service, b paas.Binding) bool {
	return b.State == paas.BindingReady || b.State == paas.BindingFailed || b.State == paas.BindingEnded
}

// busyWith says that something is being done with a binding.
func busyWith(service wire.Service, b paas.Binding) bool {
	return slices.ContainsFunc(service.Operations, func(o wire.ServiceOperation) bool { return o.App == b.App && o.Binding == b.Name })
}
