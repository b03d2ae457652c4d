package integration_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// cut is a policy with one of its grants taken away.
type cut struct {
	line  int    // of the file
	grant string // `namespace "*": read-job`
	text  string // of the policy without it
}

var (
	blockHead = regexp.MustCompile(`^\s*([a-z_]+(?: "[^"]*")?) \{$`)
	oneWord   = regexp.MustCompile(`^\s*"([a-z-]+)",$`)
	someWords = regexp.MustCompile(`^(\s*capabilities = \[)(.*)(\])$`)
	oneRule   = regexp.MustCompile(`^\s*([a-z_]+(?: "[^"]*")?) (?:\{ policy = |= )"(read|write)"(?: \})?$`)
)

// cutsOf takes each grant of a policy away in turn, and makes of each that may write one that may only read.
func cutsOf(text string) []cut {
	lines := strings.Split(text, "\n")
	with := func(i int, instead string) string {
		changed := append([]string(nil), lines...)
		changed[i] = instead
		return strings.Join(changed, "\n")
	}
	var cuts []cut
	var within []string // the heads of the blocks around a line
	for i, line := range lines {
		about := strings.Join(within, " ")
		switch trimmed := strings.TrimSpace(line); {
		case blockHead.MatchString(line):
			within = append(within, blockHead.FindStringSubmatch(line)[1])
		case trimmed == "}" && len(within) > 0:
			within = within[:len(within)-1]
		case oneWord.MatchString(line):
			instead := ""
			if lonely(lines, i) { // an empty list would not say that nothing is allowed: a wider rule may say otherwise
				instead = `"deny",`
			}
			cuts = append(cuts, cut{i + 1, about + ": " + oneWord.FindStringSubmatch(line)[1], with(i, instead)})
		case someWords.MatchString(line):
			parts := someWords.FindStringSubmatch(line)
			words := strings.Split(parts[2], ", ")
			for j, word := range words {
				left := strings.Join(append(append([]string(nil), words[:j]...), words[j+1:]...), ", ")
				cuts = append(cuts, cut{i + 1, about + ": " + strings.Trim(word, `"`), with(i, parts[1]+left+parts[3])})
			}
		case oneRule.MatchString(line):
			parts := oneRule.FindStringSubmatch(line)
			cuts = append(cuts, cut{i + 1, parts[1] + ": " + parts[2], with(i, "")})
			if parts[2] == "write" {
				cuts = append(cuts, cut{i + 1, parts[1] + ": write, not read only", with(i, strings.Replace(line, `"write"`, `"read"`, 1))})
			}
		}
	}
	return cuts
}

// lonely says whether a word has its list for itself.
func lonely(lines []string, at int) bool {
	words := 0
	for i := at; i >= 0 && !strings.HasSuffix(lines[i], "["); i-- {
		if oneWord.MatchString(lines[i]) {
			words++
		}
	}
	for i := at + 1; i < len(lines) && strings.TrimSpace(lines[i]) != "]"; i++ {
		if oneWord.MatchString(lines[i]) {
			words++
		}
	}
	return words == 1
}

// outcome is what came of a call that is made again.
type outcome struct {
	status  int
	size    int // how much a list holds: programs leave out what may not be seen
	refused bool
	text    string
}

// again makes a recorded call with another token.
func (g *guarded) again(c call, token string) outcome {
	g.t.Helper()
	_, program := c.actor.split()
	ctx, stop := context.WithTimeout(g.t.Context(), 10*time.Second)
	defer stop()
	if strings.Contains(c.path, "/exec?") {
		return g.execAgain(ctx, c, token)
	}
	if follows(c.path) {
		return g.followAgain(ctx, c, token)
	}
	req, err := http.NewRequestWithContext(ctx, c.method, "http://"+g.at[program]+atOnce(c.path), strings.NewReader(string(c.body)))
	if err != nil {
		g.t.Fatal(err)
	}
	for name, values := range c.kind {
		if name != "Accept-Encoding" {
			req.Header[name] = values
		}
	}
	req.Header.Set(headerOf[program], token)
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return outcome{text: err.Error()}
	}
	defer answer.Body.Close() //nolint:errcheck // read as far as it is wanted
	o := outcome{status: answer.StatusCode}
	if o.status == http.StatusOK && strings.Contains(c.path, "stream") {
		return o // it goes on
	}
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<24))
	o.text = string(text)
	o.refused = refusal(o.status, o.text)
	o.size = sizeOf(text)
	return o
}

// openFor is how long a stream is listened to: what Nomad still has of the past comes at once.
const openFor = 2 * time.Second

// followAgain follows events for a moment: those of the past, or nothing.
func (g *guarded) followAgain(ctx context.Context, c call, token string) outcome {
	ctx, stop := context.WithTimeout(ctx, openFor)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, c.method, "http://"+g.at["nomad"]+atOnce(c.path), nil)
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set(headerOf["nomad"], token)
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return outcome{status: http.StatusOK, text: err.Error()} // an older Nomad answers with the first event
	}
	defer answer.Body.Close() //nolint:errcheck // it has no end of its own
	o := outcome{status: answer.StatusCode, refused: answer.StatusCode == http.StatusForbidden}
	switch n, err := answer.Body.Read(make([]byte, 1)); {
	case n > 0:
		o.size = 1
	case errors.Is(err, io.EOF):
		o.refused, o.text = true, "it ends at once"
	}
	return o
}

// execAgain has a command run: whether it may, Nomad says when it closes the connection.
func (g *guarded) execAgain(ctx context.Context, c call, token string) outcome {
	conn, answer, err := websocket.Dial(ctx, "http://"+g.at["nomad"]+c.path, &websocket.DialOptions{HTTPHeader: http.Header{"X-Nomad-Token": {token}}}) //nolint:bodyclose // the library closes it
	if err != nil {
		o := outcome{text: err.Error()}
		if answer != nil {
			o.status, o.refused = answer.StatusCode, answer.StatusCode == http.StatusForbidden
		}
		return o
	}
	defer conn.CloseNow() //nolint:errcheck // nothing is left to be said
	for {
		if _, _, err := conn.Read(ctx); err != nil {
			var closed websocket.CloseError
			_ = errors.As(err, &closed)
			return outcome{status: http.StatusOK, refused: strings.Contains(closed.Reason, "Permission denied"), text: closed.Reason}
		}
	}
}

// atOnce is a path whose answer is not waited for.
func atOnce(path string) string {
	plain, query, found := strings.Cut(path, "?")
	if !found {
		return path
	}
	var left []string
	for part := range strings.SplitSeq(query, "&") {
		if name, _, _ := strings.Cut(part, "="); name != "index" && name != "wait" && name != "follow" {
			left = append(left, part)
		}
	}
	return plain + "?" + strings.Join(left, "&")
}

// sizeOf is how many things an answer lists, all levels of it together.
func sizeOf(text []byte) int {
	var answer any
	if err := json.Unmarshal(text, &answer); err != nil {
		return 0
	}
	var count func(any) int
	count = func(value any) int {
		n := 0
		switch value := value.(type) {
		case []any:
			for _, one := range value {
				n += 1 + count(one)
			}
		case map[string]any:
			for _, one := range value {
				n += 1 + count(one)
			}
		}
		return n
	}
	return count(answer)
}

// less says whether a token gets less of a call than another does.
func (o outcome) less(than outcome) bool {
	switch {
	case than.refused || than.status == 0:
		return false // it says nothing
	case o.refused:
		return true
	case than.status == http.StatusOK && o.status == http.StatusNotFound: // Consul hides what may not be seen
		return true
	}
	return o.status == than.status && o.size < than.size
}

// row is a line of the proof's table.
type row struct {
	actor   actor
	cut     cut
	refused []string // sorts of calls that were refused without the grant
}

func (r row) String() string {
	shown := "NOTHING"
	if len(r.refused) > 0 {
		shown = r.refused[0]
		if more := len(r.refused) - 1; more > 0 {
			shown += fmt.Sprintf(" and %d more", more)
		}
	}
	return fmt.Sprintf("| %s | %d | `%s` | %s |", r.actor, r.cut.line, r.cut.grant, shown)
}
