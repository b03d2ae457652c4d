package integration_test

import (
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
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
		code, body := s.get(address+path, token)
		if code == http.StatusOK {
			answered++
		}
		places[name+": "+path] = body
	}
	if answered < len(paths)*3/4 {
		s.t.Errorf("%s answered %d of %d questions only", name, answered, len(paths))
	}
}

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

// apiPaths are all that can be read in the API of one app, by its own document, but for streams and artifacts.
func (s *secrecy) apiPaths() (paths []string) {
	s.t.Helper()
	var document struct {
		Paths map[string]map[string]any
	}
	code, body := s.get(s.info.Addr+"/openapi.json", "")
	if err := json.Unmarshal([]byte(body), &document); err != nil || code != http.StatusOK {
		s.t.Fatalf("the API's document: %d %v", code, err)
	}
	fill := strings.NewReplacer("{app}", "vaulted", "{number}", "2", "{name}", "mail", "{job}", "report")
	for path, methods := range document.Paths {
		if _, reads := methods["get"]; !reads {
			continue
		}
		path = fill.Replace(path)
		if strings.Contains(path, "{") || strings.HasSuffix(path, "/logs") || strings.Contains(path, "/events") || strings.Contains(path, "/exec") || strings.Contains(path, "/keys/") {
			continue
		}
		paths = append(paths, path)
	}
	return paths
}

// watched is what the platform's own processes were seen to be started with. Those of tasks have the app's
// environment, which is theirs to have.
type watched struct {
	mu    sync.Mutex
	texts map[string]bool // guarded by mu
	stop  chan struct{}
	done  chan struct{}
}

// watchProcesses looks at them again and again until end.
func (s *secrecy) watchProcesses() *watched {
	w := &watched{texts: map[string]bool{}, stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		for {
			s.lookAtProcesses(w)
			select {
			case <-w.stop:
				return
			case <-ticker.C:
			}
		}
	}()
	return w
}

func (s *secrecy) lookAtProcesses(w *watched) {
	dir, err := filepath.EvalSymlinks(s.dev.dir)
	if err != nil {
		return // the test has ended
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return // as above
	}
	for _, entry := range entries {
		if _, err := strconv.Atoi(entry.Name()); err != nil {
			continue
		}
		environ, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "environ"))
		if err != nil || !strings.Contains(string(environ), "CRUMPET_DEV_DIR="+dir+"\x00") {
			continue
		}
		args, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
		if err != nil {
			continue
		}
		text := string(args)
		if !strings.Contains(string(environ), "NOMAD_ALLOC_ID=") {
			text += "\n" + string(environ)
		}
		w.mu.Lock()
		w.texts[text] = true
		w.mu.Unlock()
	}
}

func (w *watched) end() {
	close(w.stop)
	<-w.done
}

func (w *watched) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all strings.Builder
	for text := range w.texts {
		all.WriteString(text + "\n")
	}
	return all.String()
}
