package why

import (
	"fmt"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// at is a time as a link has it.
func at(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// chain leads from the release to the deepest thing that was found.
func (v view) chain(found finding) []paas.Link {
	links := []paas.Link{}
	if r := v.release; r.Number > 0 {
		text := "not kept"
		if r.CreatedBy != "" {
			text = "artifact " + r.ShortArtifact() + ", by " + r.CreatedBy
		}
		links = append(links, paas.Link{Kind: paas.LinkRelease, ID: fmt.Sprint(r.Number), Text: text, Since: at(r.CreatedAt)})
	}
	if d := v.walk; d != nil {
		text := fmt.Sprintf("%s is %s", d.Cause, d.State)
		if len(d.Steps) > 0 && !d.State.Ended() {
			text += fmt.Sprintf(", step %d of %d", min(d.Step+1, len(d.Steps)), len(d.Steps))
		}
		if d.Reason != "" {
			text += ": " + d.Reason
		}
		links = append(links, paas.Link{Kind: paas.LinkDeployment, ID: d.ID, Text: text, Since: at(d.StepAt)})
	}
	links = append(links, found.links...)
	if found.instance != nil && v.LastLine != "" {
		links = append(links, paas.Link{Kind: paas.LinkLog, ID: found.instance.ID, Text: oneLine(strings.TrimSpace(v.LastLine))})
	}
	return links
}

// evaluation is what Nomad made of the slot's job.
func (v view) evaluation() paas.Link {
	slot := v.blockedSlot()
	id, fact := paas.JobID(v.Ref.App, slot), v.Snapshot.Jobs[slot]
	link := paas.Link{Kind: paas.LinkEvaluation, ID: id, Text: "Nomad placed every instance of job " + id}
	if fact.Blocked != "" {
		link.ID, link.Text = fact.Eval, "Nomad could not place every instance of job "+id
	}
	return link
}

// ofInstance leads from the evaluation to an instance, and on to its program, its checks and its routes.
func (v view) ofInstance(i paas.Instance) []paas.Link {
	name := fmt.Sprintf("%s %d", i.Process, i.Index)
	links := []paas.Link{v.evaluation()}
	placed := fmt.Sprintf("%s was placed on node %s", name, i.Node)
	if i.Previous != "" {
		placed += fmt.Sprintf(", instead of %s", short(i.Previous))
	}
	links = append(links, paas.Link{Kind: paas.LinkPlacement, ID: i.NodeID, Text: placed, Since: at(i.CreatedAt)})
	if n, ok := v.node(i.NodeID); ok && closed(n) {
		links = append(links, paas.Link{Kind: paas.LinkNode, ID: n.ID, Text: fmt.Sprintf("node %s is %s", n.Name, nodeWords(n)), Since: at(n.Since)})
	}
	text := fmt.Sprintf("%s is %s", name, i.State)
	if i.State == paas.InstanceRunning {
		text += " and " + string(i.Health)
	}
	links = append(links, paas.Link{Kind: paas.LinkAllocation, ID: i.ID, Text: text, Since: at(i.Since)})
	if i.Reason != "" {
		link := paas.Link{Kind: paas.LinkTask, ID: i.Process, Text: i.Reason, Since: i.StartedAt}
		if i.Restarts > 0 {
			link.Text += " (started again " + times(i.Restarts) + ")"
		}
		links = append(links, link)
	}
	for _, c := range i.Checks {
		if c.Status != paas.CheckPassing {
			text := string(c.Status)
			if c.Output != "" {
				text += ": " + oneLine(c.Output)
			}
			links = append(links, paas.Link{Kind: paas.LinkCheck, ID: c.Name, Text: text, Since: at(c.Since)})
		}
	}
	for _, fact := range v.Snapshot.Routes {
		for _, r := range v.process(i.Process).Routes {
			if r.Host == fact.Host && r.Path == fact.Path && fact.State != paas.RouteAnswering {
				links = append(links, routeLink(fact))
			}
		}
	}
	return links
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// closed says that a node takes no new instances.
func closed(n paas.Node) bool { return n.Status != paas.NodeReady || n.Draining || !n.Eligible }

// nodeWords says in what way a node is closed.
func nodeWords(n paas.Node) string {
	switch {
	case n.Status != paas.NodeReady:
		return string(n.Status)
	case n.Draining:
		return "being drained"
	}
	return "not eligible"
}

func routeLink(fact paas.RouteFact) paas.Link {
	text := fmt.Sprintf("%s, %d targets", fact.State, len(fact.Targets))
	if len(fact.Targets) == 1 {
		text = fmt.Sprintf("%s, at %s", fact.State, fact.Targets[0])
	}
	return paas.Link{Kind: paas.LinkRoute, ID: fact.Host + fact.Path, Text: text, Since: at(fact.Since)}
}

func oneLine(s string) string {
	const most = 200
	out := []rune{}
	for _, r := range s {
		if r == '\n' || r == '\r' || r == '\t' {
			r = ' '
		}
		if out = append(out, r); len(out) == most {
			break
		}
	}
	return string(out)
}
