package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func newServicesCmd(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "services",
		Short: "Databases and other services, and which apps have credentials of them",
		Long: `A service instance is one thing that was made for your team: a database, a cache, or credentials that
were given by hand. Binding it to an app gives the app credentials of its own; they reach its programs as
variables or files, can be replaced without a gap, and end with the binding.

An app that names a service in its crumpet.hcl needs none of this: its push makes and binds it.`,
		Example: `  crumpet services catalog
  crumpet services create shop-db --offering postgres --plan small
  crumpet services bind shop-db --app shop
  crumpet services rotate shop-db`,
	}
	add(cmd, "", newCatalogCmd(s), newServicesListCmd(s), newServiceShowCmd(s), newServiceCreateCmd(s), newServiceUpdateCmd(s), newServiceDeleteCmd(s),
		newBindCmd(s), newUnbindCmd(s), newRotateCmd(s), newServiceKeysCmd(s))
	refuseOthers(cmd)
	return cmd
}

func newCatalogCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "catalog [OFFERING]",
		Short: "List what service instances can be made of",
		Long: `Lists the offerings of all providers with their plans. With OFFERING it shows each of its plans and the
parameters that it takes, as JSON schema.`,
		Example: `  crumpet services catalog
  crumpet services catalog postgres`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			list, err := c.Offerings(cmd.Context())
			if err != nil {
				return err
			}
			if len(args) > 0 {
				if list.Items, err = offeringsNamed(list.Items, args[0]); err != nil {
					return err
				}
			}
			switch {
			case asJSON:
				return s.printJSON(list)
			case len(args) > 0:
				s.showOfferings(list.Items)
			default:
				s.showCatalog(list.Items)
			}
			return nil
		},
		ValidArgsFunction: completing(s.offeringNames),
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func offeringsNamed(list []wire.ServiceOffering, name string) ([]wire.ServiceOffering, error) {
	var found []wire.ServiceOffering
	var names []string
	for _, o := range list {
		names = append(names, o.Name)
		if o.Name == name {
			found = append(found, o)
		}
	}
	if len(found) == 0 {
		return nil, nearest(paas.Errorf(paas.NotFound, "No service is called %q. `crumpet services catalog` lists them.", name), name, names)
	}
	return found, nil
}

// nearest adds to an error about an unknown name the known one that was most likely meant.
func nearest(err error, name string, known []string) error {
	e, ok := errors.AsType[*paas.Error](err)
	best := closest(name, known)
	if !ok || e.Code != paas.NotFound || best == "" || slices.Contains(known, name) || strings.Contains(e.Message, "ean ") {
		return err
	}
	return &paas.Error{Code: e.Code, Message: fmt.Sprintf("%s Did you mean %q?", e.Message, best), Faults: e.Faults, Err: e.Err}
}

func (s *session) showCatalog(list []wire.ServiceOffering) {
	if len(list) == 0 {
		s.say("No provider is registered. `crumpet providers add` registers one.")
		return
	}
	var rows [][]string
	for _, o := range list {
		if len(o.Plans) == 0 {
			rows = append(rows, []string{o.Name, "-", o.Provider, string(o.Kind), "-", cmp.Or(absentText(o), firstLine(o.Description))})
		}
		for n, p := range o.Plans {
			text := firstLine(cmp.Or(p.Description, o.Description))
			if n == 0 {
				text = cmp.Or(absentText(o), text)
			}
			cost := "yes"
			if !p.Free {
				cost = "no"
			}
			rows = append(rows, []string{o.Name, p.Name, o.Provider, string(o.Kind), cost, text})
		}
	}
	s.table(s.out, []string{"OFFERING", "PLAN", "PROVIDER", "KIND", "FREE", ""}, rows)
}

// absentText says why an offering can't be had, or may not be.
func absentText(o wire.ServiceOffering) string {
	switch {
	case o.Absent != "":
		return "can't be had: " + o.Absent
	case o.Reason != "":
		return "its provider could not be read: " + o.Reason
	}
	return ""
}

func (s *session) showOfferings(list []wire.ServiceOffering) {
	for _, o := range list {
		s.print("%s of %s (%s): %s", s.bold(o.Name), o.Provider, o.Kind, o.Description)
		if why := absentText(o); why != "" {
			s.print("%s", ended(upperFirst(why)))
		}
		for _, p := range o.Plans {
			notes := []string{}
			if !p.Free {
				notes = append(notes, "costs money")
			}
			if !p.Bindable {
				notes = append(notes, "can't be bound")
			}
			if !p.Updateable {
				notes = append(notes, "can't be left for another plan")
			}
			s.print("")
			s.print("plan %s: %s", s.bold(p.Name), p.Description)
			if len(notes) > 0 {
				s.print("  %s", strings.Join(notes, ", "))
			}
			for _, schema := range []struct {
				of   string
				text json.RawMessage
			}{{"new instances", p.Create}, {"updates", p.Update}, {"bindings", p.Bind}} {
				var b bytes.Buffer
				if len(schema.text) > 0 && json.Indent(&b, schema.text, "  ", "  ") == nil {
					s.print("  parameters of %s: %s", schema.of, b.String())
				}
			}
		}
	}
}
