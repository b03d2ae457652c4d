package conformance_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	consulapi "github.com/hashicorp/consul/api"
	nomadapi "github.com/hashicorp/nomad/api"
)

// logs opens a stream of a task's log as a server does: through the agent, from tail bytes before the end.
func (p *probe) logs(alloc, task, stream string, follow bool, tail int) (io.ReadCloser, error) {
	q := (&nomadapi.QueryOptions{Namespace: "*", Params: map[string]string{
		"task": task, "type": stream, "follow": fmt.Sprint(follow), "origin": "end", "offset": fmt.Sprint(tail),
	}}).WithContext(p.ctx)
	return p.nomad.Raw().Response("/v1/client/fs/logs/"+alloc, q)
}

// text is the data of all frames of a log that is not followed.
func (p *probe) text(alloc, stream string, tail int) string {
	return p.textOf(alloc, "web", stream, tail)
}

func (p *probe) textOf(alloc, task, stream string, tail int) string {
	body, err := p.logs(alloc, task, stream, false, tail)
	p.check(err)
	defer body.Close() //nolint:errcheck // read to its end below
	var out bytes.Buffer
	for frames := json.NewDecoder(body); ; {
		var f nomadapi.StreamFrame
		err := frames.Decode(&f)
		if errors.Is(err, io.EOF) {
			return out.String()
		}
		p.check(err)
		out.Write(f.Data)
	}
}

// serving registers a server and waits until it answers.
func (p *probe) serving(j *nomadapi.Job) (alloc, address string) {
	p.register(j)
	alloc = p.running(1)[0].ID
	address = p.endpoint(alloc)
	p.until("it answers", func() bool { status, _ := p.ask(address, "/"); return status == http.StatusOK })
	return alloc, address
}

const (
	lsCall   = "nomad GET /v1/client/fs/ls/:id?namespace&path"
	readCall = "nomad GET /v1/client/fs/stream/:id?follow&namespace&offset&origin&path"
)

// files makes the query of a call about files: pairs of names and values.
func (p *probe) files(pairs ...string) *nomadapi.QueryOptions {
	params := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		params[pairs[i]] = pairs[i+1]
	}
	return (&nomadapi.QueryOptions{Namespace: "*", Params: params}).WithContext(p.ctx)
}

// logFiles lists the files of an allocation's logs with their sizes, as a server does, by name.
func (p *probe) logFiles(alloc string) (list []string) {
	var files []*nomadapi.AllocFileInfo
	_, err := p.nomad.Raw().Query("/v1/client/fs/ls/"+alloc, &files, p.files("path", "alloc/logs"))
	p.check(err)
	for _, f := range files {
		if !strings.HasPrefix(f.Name, ".") { // Nomad's pipes
			list = append(list, fmt.Sprintf("%s %d bytes", f.Name, f.Size))
		}
	}
	slices.Sort(list)
	return list
}

// streamed reads a file of an allocation's logs from an offset to its end, as a server does.
func (p *probe) streamed(alloc, name string, offset int) (string, error) {
	body, err := p.nomad.Raw().Response("/v1/client/fs/stream/"+alloc,
		p.files("path", "alloc/logs/"+name, "offset", fmt.Sprint(offset), "origin", "start", "follow", "false"))
	if err != nil {
		return "", err
	}
	defer body.Close() //nolint:errcheck // read to its end below
	var out bytes.Buffer
	for frames := json.NewDecoder(body); ; {
		var f nomadapi.StreamFrame
		if err := frames.Decode(&f); errors.Is(err, io.EOF) {
			return out.String(), nil
		} else if err != nil {
			return out.String(), err
		}
		if len(f.Data) > 0 && !strings.HasSuffix(f.File, "alloc/logs/"+name) {
			return "", fmt.Errorf("a frame of %q", f.File)
		}
		out.Write(f.Data)
	}
}

const logCall = "nomad GET /v1/client/fs/logs/:id?follow&namespace&offset&origin&task&type"

var nomadFileRows = []row{
	{
		name:  "Nomad: a log is read from so many bytes before its end",
		calls: []string{logCall},
		want: `
			all: "listening\none\ntwo\n"
			the last 6 bytes: "e\ntwo\n"
			more than there is: "listening\none\ntwo\n"
			from the end, 0 bytes: "listening\none\ntwo\n"
			stderr: ""`,
		run: func(p *probe) {
			alloc, address := p.serving(p.server(1))
			p.ask(address, "/say/one")
			p.ask(address, "/say/two")
			p.until("the lines are there", func() bool { return strings.HasSuffix(p.text(alloc, "stdout", 1000), "two\n") })
			p.say("all: %q", p.text(alloc, "stdout", len("listening\none\ntwo\n")))
			p.say("the last 6 bytes: %q", p.text(alloc, "stdout", 6))
			p.say("more than there is: %q", p.text(alloc, "stdout", 100000))
			p.say("from the end, 0 bytes: %q", p.text(alloc, "stdout", 0))
			p.say("stderr: %q", p.text(alloc, "stderr", 1000))
		},
	},
	{
		name:  "Nomad: a followed log brings what is written later",
		calls: []string{logCall},
		want: `
			at once: "listening\n"
			later: "three\n"
			the file: alloc/logs/web.stdout.0`,
		run: func(p *probe) {
			alloc, address := p.serving(p.server(1))
			p.until("the first line is there", func() bool { return p.text(alloc, "stdout", 1000) != "" })
			body, err := p.logs(alloc, "web", "stdout", true, 1000)
			p.check(err)
			defer body.Close() //nolint:errcheck // read only
			frames, file := json.NewDecoder(body), ""
			next := func(want string) string {
				got := ""
				for len(got) < len(want) {
					var f nomadapi.StreamFrame
					p.check(frames.Decode(&f)) // a heartbeat is a frame without data
					got += string(f.Data)
					if f.File != "" {
						file = f.File
					}
				}
				return got
			}
			p.say("at once: %q", next("listening\n"))
			p.ask(address, "/say/three")
			p.say("later: %q", next("three\n"))
			p.say("the file: %s", strings.TrimPrefix(file, "/"))
		},
	},
	{
		name:  "Nomad: the log of what is not there is refused",
		calls: []string{logCall},
		want: `
			no allocation: Unexpected response code: 404 (Unknown allocation "UUID")
			no task: Unexpected response code: 400 (unknown task name "nope")
			the log of a task that failed: "leaving with 7\n"`,
		run: func(p *probe) {
			_, err := p.logs("11111111-2222-3333-4444-555555555555", "web", "stdout", false, 10)
			p.say("no allocation: %v", err)
			p.register(p.job(1, "exit", "7"))
			a := p.failed()
			_, err = p.logs(a.ID, "nope", "stdout", false, 10)
			p.say("no task: %v", err)
			p.say("the log of a task that failed: %q", p.text(a.ID, "stderr", 1000))
		},
	},
	{
		name:  "Nomad: the files of a log are listed, and read in parts",
		calls: []string{lsCall, readCall},
		want: `
			files: web.stderr.0 0 bytes, web.stdout.0 18 bytes
			from the 10th byte on: "one\ntwo\n"
			at its end: ""
			a file that is not there: 400 true
			a file of no allocation: 404 true
			files of no allocation: 404 true`,
		run: func(p *probe) {
			alloc, address := p.serving(p.server(1))
			p.ask(address, "/say/one")
			p.ask(address, "/say/two")
			p.until("the lines are there", func() bool { return strings.HasSuffix(p.text(alloc, "stdout", 1000), "two\n") })
			p.say("files: %s", strings.Join(p.logFiles(alloc), ", "))
			part := func(offset int) string {
				text, err := p.streamed(alloc, "web.stdout.0", offset)
				p.check(err)
				return text
			}
			p.say("from the 10th byte on: %q", part(10))
			p.say("at its end: %q", part(18))
			_, err := p.streamed(alloc, "web.stdout.7", 0)
			p.say("a file that is not there: 400 %t", strings.Contains(fmt.Sprint(err), "400"))
			_, err = p.streamed("11111111-2222-3333-4444-555555555555", "web.stdout.0", 0)
			p.say("a file of no allocation: 404 %t", strings.Contains(fmt.Sprint(err), "404"))
			_, err = p.nomad.Raw().Query("/v1/client/fs/ls/11111111-2222-3333-4444-555555555555", &[]any{}, p.files("path", "alloc/logs"))
			p.say("files of no allocation: 404 %t", strings.Contains(fmt.Sprint(err), "404"))
		},
	},
	{
		name:  "Nomad: a followed log goes from file to file, and gives signs of life",
		calls: []string{lsCall, logCall},
		want: `
			kept are two files, the first ones gone true
			from the beginning of what is kept: the first file whole true, then the next true
			a byte before the end of the first file: that byte true, then the next file true
			silence is broken by an empty frame true`,
		run: func(p *probe) {
			j := p.batch(1, "flood", "5")
			j.TaskGroups[0].Tasks[0].LogConfig = &nomadapi.LogConfig{MaxFiles: new(2), MaxFileSizeMB: new(1)}
			p.register(j)
			a := p.ended()
			var files []string
			p.until("the log is whole", func() bool {
				files = slices.DeleteFunc(p.logFiles(a.ID), func(f string) bool { return !strings.HasPrefix(f, "web.stdout.") })
				return len(files) == 2
			})
			var first, next, size, last int
			_, err := fmt.Sscanf(files[0], "web.stdout.%d %d bytes", &first, &size)
			p.check(err)
			_, err = fmt.Sscanf(files[1], "web.stdout.%d %d bytes", &next, &last)
			p.check(err)
			p.say("kept are two files, the first ones gone %t", first > 0 && next == first+1)
			follow := func(offset, bytes int) (seen map[string]int, beat bool) {
				q := p.files("task", "web", "type", "stdout", "follow", "true", "origin", "start", "offset", fmt.Sprint(offset))
				body, err := p.nomad.Raw().Response("/v1/client/fs/logs/"+a.ID, q)
				p.check(err)
				defer body.Close() //nolint:errcheck // read only
				seen = map[string]int{}
				for frames, got := json.NewDecoder(body), 0; got < bytes || !beat; {
					var f nomadapi.StreamFrame
					p.check(frames.Decode(&f))
					beat = got >= bytes && f.File == "" && len(f.Data) == 0
					got += len(f.Data)
					if len(f.Data) > 0 {
						seen[f.File[strings.LastIndexByte(f.File, '.')+1:]] += len(f.Data)
					}
				}
				return seen, beat
			}
			seen, _ := follow(0, size+last)
			p.say("from the beginning of what is kept: the first file whole %t, then the next %t", seen[fmt.Sprint(first)] == size, seen[fmt.Sprint(next)] == last)
			seen, beat := follow(size-1, 1+last)
			p.say("a byte before the end of the first file: that byte %t, then the next file %t", seen[fmt.Sprint(first)] == 1, seen[fmt.Sprint(next)] == last)
			p.say("silence is broken by an empty frame %t", beat)
		},
	},
	{
		name:  "Nomad: an artifact must have its checksum",
		calls: []string{"nomad GET /v1/job/:id/allocations?all"},
		want: `
			a wrong one: Received, Task Setup, Downloading Artifacts, Failed Artifact Download, Not Restarting
			it says that checksums did not match true
			none there: 404 true`,
		run: func(p *probe) {
			j := p.job(1, "idle")
			j.TaskGroups[0].Tasks[0].Artifacts[0].GetterOptions["checksum"] = "sha256:" + strings.Repeat("0", 64)
			p.register(j)
			a := p.failed()
			p.say("a wrong one: %s", kinds(a.TaskStates["web"].Events))
			p.say("it says that checksums did not match %t", strings.Contains(p.message(a, nomadapi.TaskArtifactDownloadFailed), "Checksums did not match"))
			_, _, err := p.nomad.Jobs().Deregister(p.id, true, p.write())
			p.check(err)
			j = p.job(1, "idle")
			j.TaskGroups[0].Tasks[0].Artifacts[0].GetterSource = new(strings.Replace(artifact.url, "task.tar", "none.tar", 1))
			p.register(j)
			p.until("it has failed for a 404", func() bool {
				return slices.ContainsFunc(p.allocs(), func(a *nomadapi.AllocationListStub) bool {
					return strings.Contains(p.message(a, nomadapi.TaskArtifactDownloadFailed), "404")
				})
			})
			p.say("none there: 404 true")
		},
	},
	{
		name:  "Nomad: templates become files and environment, and a change restarts the task",
		calls: []string{"nomad GET /v1/job/:id/allocations?all", "consul PUT /v1/kv/*key"},
		want: `
			a file: "job ID key one\n"
			the environment: one, plain ${NOMAD_JOB_ID}
			a changed key: two, restarts 1, the same instance true`,
		run: func(p *probe) {
			key := "conformance/" + p.id
			put := func(value string) {
				_, err := p.consul.KV().Put(&consulapi.KVPair{Key: key, Value: []byte(value)}, nil)
				p.check(err)
			}
			put("one")
			p.later(func() { _, _ = p.consul.KV().Delete(key, nil) })
			j := p.server(1)
			j.TaskGroups[0].RestartPolicy.Attempts = new(3)
			t := j.TaskGroups[0].Tasks[0]
			t.Templates = []*nomadapi.Template{
				{EmbeddedTmpl: new(`job {{ env "NOMAD_JOB_ID" }} key {{ key "` + key + `" }}` + "\n"), DestPath: new("local/file.txt"), ChangeMode: new("noop")},
				{
					EmbeddedTmpl: new(`GREETING={{ key "` + key + `" }}` + "\nPLAIN=\"plain ${NOMAD_JOB_ID}\"\n"), DestPath: new("secrets/env"),
					Envvars: new(true), ChangeMode: new("restart"), Splay: new(time.Duration(0)),
				},
			}
			alloc, address := p.serving(j)
			_, body := p.ask(address, "/file/file.txt")
			p.say("a file: %q", body)
			_, _, env := p.facts(address)
			p.say("the environment: %s, %s", env["GREETING"], env["PLAIN"])
			put("two")
			p.until("it greets anew", func() bool { _, body = p.ask(address, "/"); return body == "two" })
			var now *nomadapi.AllocationListStub
			p.until("the restart is told", func() bool { now = p.running(1)[0]; return now.TaskStates["web"].Restarts > 0 })
			p.say("a changed key: %s, restarts %d, the same instance %t", body, now.TaskStates["web"].Restarts, now.ID == alloc)
		},
	},
}
