package integration_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/time/rate"
)

// TestFlood: one team's token calls every operation at twenty times its limit. From the limit on it is answered 429 with when to try again, another
// team's calls go on unlimited, and their p95 with and without the flood, alternated in one run, is printed (goal: at most 1.5 times). The flood keeps
// its pace as whoever makes it shares two cores with the server and with the calls that are timed: without one this would measure the machine.
func TestFlood(t *testing.T) {
	t.Parallel()
	rounds, calm := 2, 40
	if proving {
		rounds, calm = 6, 200
	}
	flood := int(floodRate * (time.Duration(calm) * between).Seconds())
	d := startDev(t)
	c := &caller{T: t, addr: d.info.Addr, admin: d.info.Token}
	for _, team := range []string{"crew", "rivals"} {
		c.ask("POST", "/v1/teams", `{"name": "`+team+`"}`, nil)
	}
	flooder, other := c.bot("crew", "flooder", "viewer"), c.bot("rivals", "other", "developer")
	operations := c.operations()

	var with, without []time.Duration
	var answers flooded
	for range rounds {
		without = append(without, c.timed(other, calm)...)
		ended := make(chan struct{})
		go func() { // ends with its count of calls, and is awaited
			defer close(ended)
			c.flood(flooder, operations, flood, &answers)
		}()
		with = append(with, c.timed(other, calm)...)
		<-ended
	}
	took := time.Duration(answers.took.Load())
	t.Logf("the flood made %d calls in %s: %d were let through, %d answered 429", rounds*flood, took.Round(time.Millisecond), answers.through.Load(), answers.limited.Load())
	a, b := p95(without), p95(with)
	t.Logf("p95 of another team's calls: %s without the flood, %s with it: %.2f times (goal at most 1.5)", a, b, float64(b)/float64(a))

	// 200 at once and 50 a second more, however long it took and however the rounds fell; a burst more for each round's rest.
	if most := int64(200*rounds) + int64(50*took.Seconds()) + 100; answers.through.Load() > most {
		t.Errorf("%d calls were let through, at most %d are to be", answers.through.Load(), most)
	}
	if answers.limited.Load() == 0 || answers.untold.Load() > 0 {
		t.Errorf("%d calls were answered 429, %d of them without when to try again", answers.limited.Load(), answers.untold.Load())
	}
	// The audit tells of the flood in a few lines, not in one for each call.
	var page struct{ Items []json.RawMessage }
	c.ask("GET", "/v1/audit?team=*&by=flooder&last=1000", "", &page)
	if n := len(page.Items); n == 0 || n > 40*(1+int(took.Minutes())+rounds) {
		t.Errorf("the audit has %d lines of the flood", n)
	}
}

const (
	floodRate = 1000                  // calls a second; a token may make 50
	between   = 25 * time.Millisecond // timed calls: below the limit
)

// flooded counts the answers to a flood.
type flooded struct{ through, limited, untold, took atomic.Int64 }

func (c *caller) flood(token string, operations []attempt, n int, answers *flooded) {
	began := time.Now()
	pace := rate.NewLimiter(floodRate, 8)
	var workers sync.WaitGroup
	var next atomic.Int64
	for range 8 {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := pace.Wait(c.Context()); err != nil {
					c.Error(err)
					return
				}
				one := operations[i%len(operations)]
				one.token = token
				r, err := c.send(one)
				switch {
				case err != nil:
					c.Errorf("%s %s: %v", one.method, one.path, err)
				case r.StatusCode != http.StatusTooManyRequests:
					answers.through.Add(1)
				default:
					answers.limited.Add(1)
					if r.Header.Get("Retry-After") == "" {
						answers.untold.Add(1)
					}
				}
			}
		})
	}
	workers.Wait()
	answers.took.Add(int64(time.Since(began)))
}

// send makes a call, whose answer it reads to the end so that the connection serves again.
func (c *caller) send(a attempt) (answerHead, error) {
	r, err := http.NewRequestWithContext(c.Context(), a.method, c.addr+a.path, strings.NewReader(a.body))
	if err != nil {
		return answerHead{}, err
	}
	r.Header.Set("Authorization", "Bearer "+a.token)
	if a.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return answerHead{}, err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return answerHead{answer.StatusCode, answer.Header}, errors.Join(err, answer.Body.Close())
}

// timed makes calls one after the other, none of which may be refused, and gives how long each took.
func (c *caller) timed(token string, n int) []time.Duration {
	c.Helper()
	list := make([]time.Duration, 0, n)
	pause := time.NewTicker(between)
	defer pause.Stop()
	for range n {
		<-pause.C
		began := time.Now()
		r, err := c.send(attempt{method: "GET", path: "/v1/apps?team=rivals", token: token})
		if err != nil || r.StatusCode != http.StatusOK {
			c.Fatalf("the other team's call: %v, %v", r, err)
		}
		list = append(list, time.Since(began))
	}
	return list
}

// operations are all calls of the API that end by themselves.
func (c *caller) operations() []attempt {
	c.Helper()
	var document struct {
		Paths map[string]map[string]json.RawMessage
	}
	c.ask("GET", "/openapi.json", "", &document)
	var list []attempt
	for path, methods := range document.Paths {
		if !strings.HasPrefix(path, "/v1/") || strings.HasPrefix(path, "/v1/login") || strings.HasPrefix(path, "/v1/artifacts") || path == "/v1/logout" ||
			path == "/v1/events" || slices.Contains([]string{"stream", "logs", "exec"}, path[strings.LastIndexByte(path, '/')+1:]) {
			continue
		}
		path = regexp.MustCompile(`\{\w+\}`).ReplaceAllString(strings.ReplaceAll(path, "{number}", "1"), "nothing")
		for method := range methods {
			one := attempt{method: strings.ToUpper(method), path: path + "?team=crew"}
			if one.method != "GET" && one.method != "DELETE" {
				one.body = "{}"
			}
			list = append(list, one)
		}
	}
	slices.SortFunc(list, func(a, b attempt) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	if len(list) < 60 {
		c.Fatalf("the API has %d operations only", len(list))
	}
	return list
}

func p95(list []time.Duration) time.Duration {
	sorted := slices.Clone(list)
	slices.Sort(sorted)
	return sorted[len(sorted)*95/100]
}
