package catalog

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	consulapi "github.com/hashicorp/consul/api"
	nomadapi "github.com/hashicorp/nomad/api"
)

const (
	taskPrefix  = "_nomad-task-"
	groupPrefix = "group-"
	checkPrefix = "_nomad-check-"
)

// Registration is one service of an allocation with its checks.
type Registration struct {
	Service consulapi.AgentServiceRegistration
	Checks  []consulapi.AgentCheckRegistration
	Scripts []Script  // of the checks that Nomad's client runs itself
	Watched []Restart // what failing checks do
}

// Script is a check that runs inside a task; its result keeps a TTL check alive.
type Script struct {
	CheckID, Task     string
	Command           string
	Args              []string
	Interval, Timeout time.Duration
}

// Restart is a check whose failing restarts a task, or all tasks of the group
// without one.
type Restart struct {
	CheckID, Name, Task string
	Grace, Limit        time.Duration // Limit from the first failure on
	IgnoreWarnings      bool
}

// scriptGrace is how much longer than its interval a script's result holds.
const scriptGrace = 31 * time.Second

// Replacer puts values into texts like names and tags.
type Replacer interface{ Replace(s string) string }

// Of lists the registrations of an allocation: its group's services and those
// of its tasks, as far as Consul provides them.
func Of(a *nomadapi.Allocation, env Replacer) ([]Registration, error) {
	tg := a.Job.LookupTaskGroup(a.TaskGroup)
	if tg == nil {
		return nil, fmt.Errorf("allocation %s: no group %q in its job", a.ID, a.TaskGroup)
	}
	owners := map[string][]*nomadapi.Service{groupPrefix + a.TaskGroup: tg.Services}
	for _, t := range tg.Tasks {
		owners[t.Name] = t.Services
	}
	var out []Registration
	for owner, services := range owners {
		for _, s := range services {
			if s.Provider != "" && s.Provider != nomadapi.ServiceProviderConsul {
				continue
			}
			r, err := registration(a, owner, s, env)
			if err != nil {
				return nil, fmt.Errorf("service %q: %w", s.Name, err)
			}
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(x, y Registration) int { return strings.Compare(x.Service.ID, y.Service.ID) })
	return out, nil
}

func registration(a *nomadapi.Allocation, owner string, s *nomadapi.Service, env Replacer) (Registration, error) {
	var r Registration
	name := env.Replace(s.Name)
	address, port, err := address(a, env.Replace(s.PortLabel))
	if err != nil {
		return r, err
	}
	if s.Address != "" {
		address = env.Replace(s.Address)
	}
	meta := map[string]string{"external-source": "nomad"}
	for k, v := range s.Meta {
		meta[k] = env.Replace(v)
	}
	tags := make([]string, 0, len(s.Tags))
	for _, tag := range s.Tags {
		tags = append(tags, env.Replace(tag))
	}
	tagged := consulapi.ServiceAddress{Address: address, Port: port}
	r.Service = consulapi.AgentServiceRegistration{
		ID:                fmt.Sprintf("%s%s-%s-%s-%s", taskPrefix, a.ID, owner, name, s.PortLabel),
		Name:              name,
		Tags:              tags,
		Meta:              meta,
		Address:           address,
		Port:              port,
		EnableTagOverride: s.EnableTagOverride,
	}
	if net.ParseIP(address) != nil {
		r.Service.TaggedAddresses = map[string]consulapi.ServiceAddress{"lan_ipv4": tagged, "wan_ipv4": tagged}
	}
	if s.Weights != nil {
		r.Service.Weights = &consulapi.AgentWeights{Passing: s.Weights.Passing, Warning: s.Weights.Warning}
	}
	for _, c := range s.Checks {
		c = replaced(c, env)
		check, err := check(a, r.Service, c)
		if err != nil {
			return r, fmt.Errorf("check %q: %w", c.Name, err)
		}
		r.Checks = append(r.Checks, check)
		own := ""
		if !strings.HasPrefix(owner, groupPrefix) {
			own = owner
		}
		if c.Type == "script" {
			r.Scripts = append(r.Scripts, Script{
				CheckID: check.ID, Task: cmp.Or(own, c.TaskName, s.TaskName), Command: c.Command, Args: c.Args, Interval: c.Interval, Timeout: c.Timeout,
			})
		}
		if w := cmp.Or(c.CheckRestart, s.CheckRestart); w != nil && w.Limit > 0 {
			watched := Restart{CheckID: check.ID, Name: c.Name, Task: own, Limit: c.Interval * time.Duration(w.Limit-1), IgnoreWarnings: w.IgnoreWarnings}
			if w.Grace != nil {
				watched.Grace = *w.Grace
			}
			r.Watched = append(r.Watched, watched)
		}
	}
	return r, nil
}

// replaced puts values into a check's texts. What only a task knows stays.
func replaced(c nomadapi.ServiceCheck, env Replacer) nomadapi.ServiceCheck {
	for _, text := range []*string{
		&c.Name, &c.Type, &c.Command, &c.Path, &c.Protocol, &c.PortLabel, &c.InitialStatus, &c.Notes, &c.Method, &c.GRPCService,
	} {
		*text = env.Replace(*text)
	}
	args := c.Args
	c.Args = nil
	for _, arg := range args {
		c.Args = append(c.Args, env.Replace(arg))
	}
	header := c.Header
	c.Header = nil
	for name, values := range header {
		if c.Header == nil {
			c.Header = map[string][]string{}
		}
		for _, v := range values {
			c.Header[env.Replace(name)] = append(c.Header[env.Replace(name)], env.Replace(v))
		}
	}
	return c
}

// address is where a port label is reached. An empty label is no port, a number
// is itself.
func address(a *nomadapi.Allocation, label string) (string, int, error) {
	shared := a.AllocatedResources.Shared
	ip := ""
	if len(shared.Networks) > 0 {
		ip = shared.Networks[0].IP
	}
	if label == "" {
		return ip, 0, nil
	}
	for _, p := range shared.Ports {
		if p.Label == label {
			return p.HostIP, p.Value, nil
		}
	}
	if port, err := strconv.Atoi(label); err == nil {
		return ip, port, nil
	}
	return "", 0, fmt.Errorf("no port with the label %q", label)
}

func check(a *nomadapi.Allocation, service consulapi.AgentServiceRegistration, c nomadapi.ServiceCheck) (consulapi.AgentCheckRegistration, error) {
	var out consulapi.AgentCheckRegistration
	if c.Name == "" {
		c.Name = fmt.Sprintf("service: %q check", service.Name)
	}
	host, port := service.Address, service.Port
	if c.PortLabel != "" {
		var err error
		if host, port, err = address(a, c.PortLabel); err != nil {
			return out, err
		}
	}
	if port == 0 && c.Type != "script" {
		return out, fmt.Errorf("%s checks require an address", c.Type)
	}
	out.ID = checkPrefix + hash(service.ID, c)
	out.Name = c.Name
	out.ServiceID = service.ID
	out.Status = c.InitialStatus
	out.Interval, out.Timeout = c.Interval.String(), c.Timeout.String()
	out.SuccessBeforePassing, out.FailuresBeforeCritical = c.SuccessBeforePassing, c.FailuresBeforeCritical
	out.FailuresBeforeWarning = c.FailuresBeforeWarning
	out.TLSSkipVerify, out.TLSServerName = c.TLSSkipVerify, c.TLSServerName
	switch c.Type {
	case "http":
		base := url.URL{Scheme: c.Protocol, Host: net.JoinHostPort(host, strconv.Itoa(port))}
		if base.Scheme == "" {
			base.Scheme = "http"
		}
		relative, err := url.Parse(c.Path)
		if err != nil {
			return out, err
		}
		out.HTTP = base.ResolveReference(relative).String()
		out.Method, out.Header, out.Body = c.Method, c.Header, c.Body
	case "tcp":
		out.TCP = net.JoinHostPort(host, strconv.Itoa(port))
	case "grpc":
		out.GRPC = net.JoinHostPort(host, strconv.Itoa(port)) + "/" + c.GRPCService
		out.GRPCUseTLS = c.GRPCUseTLS
	case "script":
		out.TTL, out.Interval = (c.Interval + scriptGrace).String(), ""
	default:
		return out, fmt.Errorf("check type %q is not served", c.Type)
	}
	return out, nil
}

// hash is Nomad's: the same fields in the same order, so that the ids of both
// are equal.
func hash(serviceID string, c nomadapi.ServiceCheck) string {
	h := sha256.New()
	write := func(parts ...string) {
		for _, part := range parts {
			_, _ = io.WriteString(h, part) // a hash never fails
		}
	}
	flag := func(set bool) {
		if set {
			write("true")
		}
	}
	write(serviceID, c.Name, c.Type, c.Command, strings.Join(c.Args, ""), c.Path, c.Protocol, c.PortLabel,
		c.Interval.String(), c.Timeout.String(), c.Method, c.Body, onUpdate(c), c.Notes)
	flag(c.TLSSkipVerify)
	write(c.TLSServerName)
	var headers []string
	for k, v := range c.Header {
		headers = append(headers, k+strings.Join(v, ""))
	}
	slices.Sort(headers)
	write(headers...)
	write(c.AddressMode, c.GRPCService)
	flag(c.GRPCUseTLS)
	for _, n := range []struct {
		name  string
		value int
	}{{"success", c.SuccessBeforePassing}, {"failures", c.FailuresBeforeCritical}, {"failures-before-warning", c.FailuresBeforeWarning}} {
		if n.value != 0 {
			write(n.name + ":" + strconv.Itoa(n.value))
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func onUpdate(c nomadapi.ServiceCheck) string {
	if c.OnUpdate == "" {
		return nomadapi.OnUpdateRequireHealthy
	}
	return c.OnUpdate
}

// AllocOf is the allocation a service id belongs to, or "".
func AllocOf(serviceID string) string {
	rest, ok := strings.CutPrefix(serviceID, taskPrefix)
	const uuid = 36
	if !ok || len(rest) < uuid {
		return ""
	}
	return rest[:uuid]
}

// probation is how long a service of an unknown allocation is left alone after
// the start: it may belong to another client of the same agent.
const probation = time.Minute
