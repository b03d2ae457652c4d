package spec

import (
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Defaults of a canary; how long a step is held is paas.DefaultCanaryHold.
const (
	canaryInstances = 1
	canaryMargin    = 1
)

var canaryTraffic = []int{5, 25, 50}

func (d *decoder) deploy(b *hclsyntax.Block) paas.Deploy {
	s := paas.DefaultDeploy()
	if b == nil {
		return s
	}
	at := placed("deploy", "deploy")
	d.ranges[at.key()] = b.DefRange()
	c := d.read(at, b.Body, deploySchema)
	word(d, at.attr("strategy"), c.attrs["strategy"], &s.Strategy, "strategy", strategies)
	if d.broken[at.attr("strategy").key()] { // whose blocks fit is not known
		d.broken[at.attr("canary").key()], d.broken[at.attr("blue_green").key()] = true, true
	}
	d.amount(at.attr("surge"), c.attrs["surge"], &s.Surge)
	d.number(at.attr("max_in_flight"), c.attrs["max_in_flight"], &s.MaxInFlight)
	word(d, at.attr("room"), c.attrs["room"], &s.Room, "key room", rooms)
	word(d, at.attr("unrouted"), c.attrs["unrouted"], &s.Unrouted, "key unrouted", follows)
	d.duration(at.attr("deadline"), c.attrs["deadline"], &s.Deadline)
	d.truth(at.attr("revert"), c.attrs["revert"], &s.Revert)
	d.canary(at.attr("canary"), d.kept(c, "canary"), &s)
	d.blueGreen(at.attr("blue_green"), d.kept(c, "blue_green"), &s)
	return s
}

// kept gives the block of a strategy, but not one that an environment inherits from the app and has
// left behind by a strategy of its own.
func (d *decoder) kept(c contents, name string) *hclsyntax.Block {
	b, strategy := c.one(name), c.attrs["strategy"]
	if b == nil || strategy == nil || d.inside == nil {
		return b
	}
	environment := d.inside.Range()
	if environment.Overlaps(strategy.Range()) && !environment.Overlaps(b.DefRange()) {
		return nil
	}
	return b
}

func (d *decoder) canary(at place, b *hclsyntax.Block, s *paas.Deploy) {
	policy := paas.CanaryPolicy{Instances: canaryInstances, Traffic: slices.Clone(canaryTraffic), Hold: paas.DefaultCanaryHold, Margin: canaryMargin}
	if b != nil {
		d.ranges[at.key()] = b.DefRange()
		c := d.read(at, b.Body, *deploySchema.blocks["canary"].body)
		d.number(at.attr("instances"), c.attrs["instances"], &policy.Instances)
		d.numbers(at.attr("traffic"), c.attrs["traffic"], &policy.Traffic)
		d.duration(at.attr("hold"), c.attrs["hold"], &policy.Hold)
		d.number(at.attr("margin"), c.attrs["margin"], &policy.Margin)
		promote := promoteAuto
		word(d, at.attr("promote"), c.attrs["promote"], &promote, "key promote", promotes)
		policy.Manual = promote == promoteManual
	}
	// Of another strategy it is kept only where it is given, for Validate to complain about.
	if b != nil || s.Strategy == paas.Canary {
		s.Canary = policy
	}
}

func (d *decoder) blueGreen(at place, b *hclsyntax.Block, s *paas.Deploy) {
	warm := paas.DefaultWarm
	if b != nil {
		d.ranges[at.key()] = b.DefRange()
		c := d.read(at, b.Body, *deploySchema.blocks["blue_green"].body)
		d.duration(at.attr("warm"), c.attrs["warm"], &warm)
	}
	if b != nil || s.Strategy == paas.BlueGreen {
		s.Warm = warm
	}
}

var percentage = regexp.MustCompile(`^([0-9]{1,4})%$`)

// amount reads a whole number, or a percentage in quotes.
func (d *decoder) amount(at place, a *hclsyntax.Attribute, to *paas.Amount) {
	v, ok := d.constant(at, a)
	switch {
	case !ok:
	case v.Type() == cty.Number:
		var n int
		if d.number(at, a, &n) {
			*to = paas.Amount{Count: n}
		}
	case v.Type() == cty.String && percentage.MatchString(v.AsString()):
		n, _ := strconv.Atoi(percentage.FindStringSubmatch(v.AsString())[1])
		*to = paas.Amount{Percent: n}
	default:
		d.fault(at, a.Expr.Range(), "Bad amount", "The %s must be a whole number, or a percentage of the instances in quotes such as \"25%%\", not %s.", a.Name, kindOf(v))
	}
}

// promotion is the word for who ends a step of a canary.
type promotion string

const (
	promoteAuto   promotion = "auto"
	promoteManual promotion = "manual"
)

var (
	strategies        = []paas.Strategy{paas.Rolling, paas.Canary, paas.BlueGreen, paas.StopFirst}
	processStrategies = []paas.Strategy{paas.Rolling, paas.StopFirst}
	rooms             = []paas.Room{paas.RoomSurge, paas.RoomStopFirst, paas.RoomAsk}
	follows           = []paas.Unrouted{paas.UnroutedFollow, paas.UnroutedSwitch}
	promotes          = []promotion{promoteAuto, promoteManual}
)

// Longest times of a deployment's steps.
const (
	maxDeadline = 24 * time.Hour
	maxHold     = 24 * time.Hour
	maxWarm     = 24 * time.Hour
)
