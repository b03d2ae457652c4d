package integration_test

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // to read the store's tables
)

// places are all texts in which no secret may stand, by where that is.
func (s *secrecy) places() map[string]string {
	s.t.Helper()
	places := map[string]string{}
	s.files(places)
	places["the store's tables"] = s.tables()
	s.askAll(places, "Nomad", s.info.Nomad, s.nomadPaths())
	s.askAll(places, "Consul", s.info.Consul, s.consulPaths())
	s.askAll(places, "the API", s.info.Addr, s.apiPaths())
	return places
}

// files are those of the whole data folder, logs, the store and the stand-ins' states among them, but for what is
// Vault's own storage, a database server's, the folders of secrets of the tasks, and the keys of dev itself.
func (s *secrecy) files(places map[string]string) {
	s.t.Helper()
	kinds := map[string]int{}
	err := filepath.WalkDir(s.dev.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // files of a running stack come and go
		}
		rel, _ := filepath.Rel(s.dev.dir, path)
		parts := strings.Split(rel, string(filepath.Separator))
		switch {
		case e.IsDir() && (rel == "vault" || rel == "postgres" || rel == filepath.Join("crumpet", "cache")):
			return fs.SkipDir
		case e.IsDir() && e.Name() == "secrets" && strings.Contains(rel, "alloc"):
			return fs.SkipDir // in memory, where it is real
		case strings.HasPrefix(rel, filepath.Join("nomad", "client")) && strings.HasPrefix(e.Name(), "state.db"):
			return nil // Nomad's own: what it starts a program with, for root only
		case !e.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil || len(text) > 64<<20 {
			return nil //nolint:nilerr // as above
		}
		where := "a file: " + rel
		if strings.HasPrefix(e.Name(), "crumpet.db") {
			where = "the store's file: " + e.Name()
		}
		kinds[parts[len(parts)-1]]++
		places[where] = string(text)
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, want := range []string{"crumpet.db", "crumpet.log", "nomad.log", "consul.log", "router.log"} {
		if kinds[want] == 0 {
			s.t.Errorf("no %s was found to look into", want)
		}
	}
	for _, path := range []string{filepath.Join(s.dev.dir, "vault", "vault.log"), filepath.Join(s.dev.dir, "postgres", "postgres.log")} {
		if text, err := os.ReadFile(path); err == nil {
			places["a file: "+path] = string(text)
		}
	}
}

// tables are all rows of the store, read from a copy.
func (s *secrecy) tables() string {
	s.t.Helper()
	dir := s.t.TempDir()
	for _, name := range []string{"crumpet.db", "crumpet.db-wal"} {
		text, err := os.ReadFile(filepath.Join(s.dev.dir, "crumpet", name))
		if err != nil && name == "crumpet.db" {
			s.t.Fatal(err)
		}
		write(s.t, filepath.Join(dir, name), string(text))
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "crumpet.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // a copy
	var text strings.Builder
	for _, table := range s.column(db, "SELECT name FROM sqlite_master WHERE type = 'table'") {
		s.rows(db, table, &text)
	}
	return text.String()
}

// rows writes every cell of a table.
func (s *secrecy) rows(db *sql.DB, table string, text *strings.Builder) {
	s.t.Helper()
	rows, err := db.QueryContext(s.t.Context(), fmt.Sprintf("SELECT * FROM %q", table))
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // read to its end
	columns, err := rows.Columns()
	if err != nil {
		s.t.Fatal(err)
	}
	for rows.Next() {
		cells := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			s.t.Fatal(err)
		}
		for _, cell := range cells {
			if raw, ok := cell.([]byte); ok {
				cell = string(raw)
			}
			fmt.Fprintf(text, "%v\n", cell)
		}
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *secrecy) column(db *sql.DB, query string) (list []string) {
	s.t.Helper()
	rows, err := db.QueryContext(s.t.Context(), query)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // read to its end
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			s.t.Fatal(err)
		}
		list = append(list, one)
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	return list
}

// askAll keeps the answers of one API.
func (s *secrecy) askAll(places map[string]string, name, address string, paths []string) {
	s.t.Helper()
	token := ""
	if address == s.info.Addr {
		token = s.info.Token
	}
	answered := 0
	for _, path := range paths {
		code, body := s.ask(address+path, token)
		if code == http.StatusOK {
			answered++
		}
		places[name+": "+path] = body
	}
	if answered < len(paths)*9/10 {
		s.t.Errorf("%s answered %d of %d questions only", name, answered, len(paths))
	}
}

// A stream that has been silent for so long has given what stood there; it is not read for longer than streamAtMost.
const (
	streamQuiet  = 2 * time.Second
	streamAtMost = 20 * time.Second
)

// ask gets an answer whole, and of a stream, which has no end, what it gives until it falls silent.
func (s *secrecy) ask(url, token string) (status int, body string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), streamAtMost)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(req) //nolint:bodyclose // it is closed below
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // read to its end below
	stream := strings.HasPrefix(answer.Header.Get("Content-Type"), "text/event-stream")
	from := io.Reader(answer.Body)
	if stream {
		silent := time.AfterFunc(streamQuiet, cancel)
		defer silent.Stop()
		from = readerFunc(func(p []byte) (int, error) {
			n, err := answer.Body.Read(p)
			silent.Reset(streamQuiet)
			return n, err
		})
	}
	text, err := io.ReadAll(from)
	switch {
	case stream && !strings.Contains(string(text), "data:"):
		s.t.Errorf("the stream %s gave nothing: %d %q %v", url, answer.StatusCode, text, err)
	case stream && errors.Is(err, context.Canceled): // it fell silent
	case err != nil:
		s.t.Fatalf("%s: %v", url, err)
	}
	return answer.StatusCode, string(text)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// list asks for a JSON list and gives what is in a field of each.
func (s *secrecy) fields(url, field string) (list []string) {
	s.t.Helper()
	code, body := s.get(url, "")
	var rows []map[string]any
	if err := json.Unmarshal([]byte(body), &rows); err != nil || code != http.StatusOK {
		s.t.Fatalf("%s: %d %.200s", url, code, body)
	}
	for _, row := range rows {
		if text, ok := row[field].(string); ok {
			list = append(list, text)
		}
	}
	return list
}

func (s *secrecy) nomadPaths() []string {
	s.t.Helper()
	paths := []string{"/v1/jobs", "/v1/allocations", "/v1/evaluations", "/v1/nodes", "/v1/vars?namespace=*", "/v1/namespaces"}
	for _, id := range s.fields(s.info.Nomad+"/v1/jobs", "ID") {
		paths = append(paths, "/v1/job/"+id, "/v1/job/"+id+"/versions?diffs=true", "/v1/job/"+id+"/allocations", "/v1/job/"+id+"/evaluations")
	}
	for _, id := range s.fields(s.info.Nomad+"/v1/allocations", "ID") {
		paths = append(paths, "/v1/allocation/"+id)
	}
	for _, id := range s.fields(s.info.Nomad+"/v1/evaluations", "ID") {
		paths = append(paths, "/v1/evaluation/"+id)
	}
	variables := s.fields(s.info.Nomad+"/v1/vars?namespace=*", "Path")
	if len(variables) == 0 {
		s.t.Error("no Nomad variable tells the app its generations")
	}
	for _, path := range variables {
		paths = append(paths, "/v1/var/"+path)
	}
	return paths
}

func (s *secrecy) consulPaths() []string {
	s.t.Helper()
	paths := []string{"/v1/agent/services", "/v1/agent/checks", "/v1/health/state/any", "/v1/catalog/services"}
	for _, key := range s.keys() {
		paths = append(paths, "/v1/kv/"+key+"?raw")
	}
	var services map[string][]string
	if code, body := s.get(s.info.Consul+"/v1/catalog/services", ""); code != http.StatusOK || json.Unmarshal([]byte(body), &services) != nil {
		s.t.Fatalf("consul's catalog: %d", code)
	}
	for name := range services {
		paths = append(paths, "/v1/catalog/service/"+name, "/v1/health/service/"+name)
	}
	return paths
}

func (s *secrecy) keys() (keys []string) {
	s.t.Helper()
	code, body := s.get(s.info.Consul+"/v1/kv/?recurse", "")
	var rows []struct{ Key, Value string }
	if code == http.StatusNotFound {
		return nil
	}
	if err := json.Unmarshal([]byte(body), &rows); err != nil {
		s.t.Fatalf("consul's KV: %d %v", code, err)
	}
	for _, row := range rows {
		if _, err := base64.StdEncoding.DecodeString(row.Value); err != nil {
			s.t.Errorf("the value of %s is no base64", row.Key)
		}
		keys = append(keys, row.Key)
	}
	return keys
}

// apiPaths are all that can be read in the API, by its own document, of one app, service, release and so on: streams
// too, from their beginning on. Only what shows a value on purpose is left out, and what begins a sign-in.
func (s *secrecy) apiPaths() (paths []string) {
	s.t.Helper()
	var document struct {
		Paths map[string]map[string]any
	}
	code, body := s.get(s.info.Addr+"/openapi.json", "")
	if err := json.Unmarshal([]byte(body), &document); err != nil || code != http.StatusOK {
		s.t.Fatalf("the API's document: %d %v", code, err)
	}
	fill := strings.NewReplacer("/{app}", "/vaulted", "/{number}", "/2", "/deployments/{id}", "/deployments/"+s.first("deployments"),
		"/runs/{id}", "/runs/"+s.first("runs"), "/{team}", "/default", "/{user}", "/admin", "/{service}", "/mail", "/{provider}", "/acme", "/{node}", "/dev")
	query := map[string]string{
		"/v1/audit": "team=*", "/v1/audit/stream": "team=*&after=0", "/v1/events": "team=*&platform=true&changes=true&after=0",
		"/v1/history": "team=*&platform=true", "/v1/apps/vaulted/logs": "lines=10000", "/v1/apps/vaulted/diff": "from=1&to=2",
	}
	var left []string
	for path, methods := range document.Paths {
		if _, reads := methods["get"]; !reads {
			continue
		}
		path = fill.Replace(path)
		if strings.Contains(path, "{") || strings.HasSuffix(path, "/exec") || strings.HasPrefix(path, "/v1/login/oidc/") {
			left = append(left, path)
			continue
		}
		if query[path] != "" {
			path += "?" + query[path]
		}
		paths = append(paths, path)
	}
	s.t.Logf("of the API, %d paths are searched, and these are not: %s", len(paths), strings.Join(left, ", "))
	return paths
}

// first is the id of one of the app's, such as a deployment.
func (s *secrecy) first(noun string) string {
	s.t.Helper()
	var list struct{ Items []struct{ ID string } }
	code, body := s.get(s.info.Addr+"/v1/apps/vaulted/"+noun, s.info.Token)
	if err := json.Unmarshal([]byte(body), &list); err != nil || code != http.StatusOK || len(list.Items) == 0 {
		s.t.Fatalf("the app's %s: %d %.200s", noun, code, body)
	}
	return list.Items[0].ID
}
