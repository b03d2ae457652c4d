package render

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/consul-template/config"
	"github.com/hashicorp/consul-template/manager"
)

// Template is one template of a task, with its texts interpolated.
type Template struct {
	Source     string // file below Root, instead of Data
	Data       string
	Dest       string // below Root
	Perms      string // octal
	Left       string
	Right      string
	ErrMissing bool
}

// Config is all a task's templates depend on.
type Config struct {
	Root      string // the allocation's folder: nothing outside is read or written
	Templates []Template
	Env       map[string]string
	Vault     string // address; empty: no Vault
	Token     string // for Vault
	Consul    string // address; empty: no Consul
	Nomad     string // address; empty: no Nomad
	Namespace string // whose variables are read in Nomad
	Once      bool   // what is rendered is not watched
}

// Renderer keeps the files of one task rendered.
type Renderer struct {
	runner  *manager.Runner
	changed chan []int // indexes of templates that were rendered anew
	failed  chan error
	missing chan string
	over    sync.WaitGroup
	stop    context.CancelFunc
}

// Start begins to render. Close ends it.
func Start(cfg Config) (*Renderer, error) {
	quiet()
	conf, err := configure(cfg)
	if err != nil {
		return nil, err
	}
	runner, err := manager.NewRunner(conf, false)
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	runner.Env = cfg.Env
	ctx, cancel := context.WithCancel(context.Background())
	r := &Renderer{runner: runner, changed: make(chan []int), failed: make(chan error, 1), missing: make(chan string, 1), stop: cancel}
	r.over.Go(runner.Start)
	r.over.Go(func() { r.watch(ctx, cfg.Templates) })
	return r, nil
}

// Close ends the rendering and waits for it.
func (r *Renderer) Close() {
	r.stop()
	r.runner.StopImmediately()
	r.over.Wait()
}

// Changed tells of templates that were rendered, by index. The first news is of
// all of them, when every one has been rendered.
func (r *Renderer) Changed() <-chan []int { return r.changed }

// Failed tells of an error that no waiting repairs.
func (r *Renderer) Failed() <-chan error { return r.failed }

// Missing tells what templates wait for, while not every one has been rendered: in the words of the library,
// when it is another and has been so for a while.
func (r *Renderer) Missing() <-chan string { return r.missing }

// missingAfter is how long something must be missing before that is told (max_template_event_rate).
const missingAfter = 3 * time.Second

func (r *Renderer) watch(ctx context.Context, templates []Template) {
	seen := make([]time.Time, len(templates))
	first := true
	done := (<-chan struct{})(r.runner.DoneCh) // closed after the first time with Once
	lacks, waiting := "", (<-chan time.Time)(nil)
	for {
		select {
		case <-ctx.Done():
			return
		case err := <-r.runner.ErrCh:
			r.failed <- err // buffered, and the last
			return
		case <-done:
			done = nil
		case <-waiting:
			waiting = nil
			select { // one at a time: who does not listen has missed it
			case r.missing <- lacks:
			default:
			}
		case <-r.runner.TemplateRenderedCh():
		case <-r.runner.RenderEventCh():
		}
		news, all := r.look(templates, seen)
		if first && !all {
			if now := r.lacks(); now != lacks {
				lacks, waiting = now, time.After(missingAfter)
			}
			continue
		}
		waiting = nil
		if first {
			news = nil
			for i := range templates {
				news = append(news, i)
			}
		}
		if len(news) == 0 {
			continue
		}
		first = false
		select {
		case r.changed <- news:
		case <-ctx.Done():
			return
		}
	}
}

// look notes what was written since the last look. All tells that every template
// has been rendered at least once.
func (r *Renderer) look(templates []Template, seen []time.Time) (news []int, all bool) {
	done := map[int]bool{}
	events := r.runner.RenderEvents()
	for id, configs := range r.runner.TemplateConfigMapping() {
		event := events[id]
		if event == nil || event.LastWouldRender.IsZero() {
			continue
		}
		for _, c := range configs {
			i := slices.IndexFunc(templates, func(t Template) bool { return t.Dest == *c.Destination })
			if i < 0 {
				continue
			}
			done[i] = true
			if event.LastDidRender.After(seen[i]) {
				seen[i] = event.LastDidRender
				news = append(news, i)
			}
		}
	}
	return news, len(done) == len(seen)
}

// lacks names what not every template has, as the task's events have it.
func (r *Renderer) lacks() string {
	missing := map[string]bool{}
	for _, event := range r.runner.RenderEvents() {
		if event.MissingDeps == nil {
			continue
		}
		for _, dep := range event.MissingDeps.List() {
			missing[dep.String()] = true
		}
	}
	names := slices.Sorted(maps.Keys(missing))
	if more := len(names) - mostMissing; more > 0 {
		names = append(names[:mostMissing:mostMissing], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

const mostMissing = 3 // that are named

// endless is how long what can't be read is asked for again.
func endless() *config.RetryConfig {
	return &config.RetryConfig{Attempts: new(0), MaxBackoff: new(retryAtMost)}
}

const retryAtMost = 5 * time.Second

func configure(cfg Config) (*config.Config, error) {
	conf := config.DefaultConfig()
	templates := config.TemplateConfigs{}
	for _, t := range cfg.Templates {
		for _, path := range []string{t.Dest, t.Source} {
			if path != "" && !strings.HasPrefix(filepath.Clean(path), cfg.Root+string(filepath.Separator)) {
				return nil, fmt.Errorf("template path %q escapes the alloc directory", path)
			}
		}
		perms, err := strconv.ParseUint(t.Perms, 8, 12)
		if err != nil {
			return nil, fmt.Errorf("template permissions %q: %w", t.Perms, err)
		}
		c := config.DefaultTemplateConfig()
		c.Destination = &t.Dest
		if t.Source != "" {
			c.Source = &t.Source
		} else {
			c.Contents = &t.Data
		}
		c.Perms = new(os.FileMode(perms))
		c.LeftDelim, c.RightDelim = &t.Left, &t.Right
		c.ErrMissingKey = &t.ErrMissing
		c.SandboxPath = &cfg.Root
		c.FunctionDenylist = []string{"plugin", "writeToFile"}
		c.Finalize()
		templates = append(templates, c)
	}
	conf.Templates = &templates
	conf.Vault.RenewToken = new(false)
	conf.Vault.Token = new("")
	conf.Vault.SSL = &config.SSLConfig{Enabled: new(false), Verify: new(false)}
	if cfg.Vault != "" {
		conf.Vault.Address, conf.Vault.Token = &cfg.Vault, &cfg.Token
	}
	conf.Consul.Token = new("")
	if cfg.Consul != "" {
		conf.Consul.Address = &cfg.Consul
	}
	conf.Nomad.Token, conf.Nomad.Namespace = new(""), &cfg.Namespace
	if cfg.Nomad != "" {
		conf.Nomad.Address = &cfg.Nomad
	}
	conf.Vault.Retry, conf.Consul.Retry, conf.Nomad.Retry = endless(), endless(), endless()
	conf.Once = cfg.Once
	conf.Finalize()
	return conf, nil
}
