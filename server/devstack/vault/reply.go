package vault

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	raw, err := json.Marshal(body)
	if err != nil {
		http.Error(w, "encode answer", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(status)
	_, _ = w.Write(raw) // a reader that went away is its own affair
}

func writeReply(w http.ResponseWriter, ans *reply) {
	if ans == nil {
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	status := ans.status
	if status == 0 {
		status = http.StatusOK
	}
	if ans.empty {
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		return
	}
	if ans.bare {
		writeJSON(w, status, ans.data)
		return
	}
	body := map[string]any{}
	if data, ok := ans.data.(map[string]any); ok && ans.flat {
		maps.Copy(body, data)
	}
	maps.Copy(body, map[string]any{
		"request_id": newID(32), "lease_id": "", "renewable": false, "lease_duration": 0,
		"data": ans.data, "wrap_info": nil, "warnings": ans.warnings, "auth": ans.auth,
	})
	if ans.lease != nil {
		body["lease_id"], body["renewable"], body["lease_duration"] = ans.lease.ID, ans.lease.Renewable, ans.lease.Seconds
	}
	writeJSON(w, status, body)
}

// texts is a list in a body, which may be one text; unlike list it leaves commas alone.
type texts []string

// UnmarshalJSON implements json.Unmarshaler.
func (l *texts) UnmarshalJSON(raw []byte) error {
	var many []string
	if err := json.Unmarshal(raw, &many); err == nil {
		*l = many
		return nil
	}
	var one string
	if err := json.Unmarshal(raw, &one); err != nil {
		return fmt.Errorf("not a list of texts: %w", err)
	}
	*l = texts{one}
	return nil
}

// duration is a time in a body: "30m", "1800" or 1800, the numbers in seconds.
type duration time.Duration

// UnmarshalJSON implements json.Unmarshaler.
func (d *duration) UnmarshalJSON(raw []byte) error {
	text := strings.Trim(string(raw), `"`)
	if text == "" || text == "null" {
		return nil
	}
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		*d = duration(time.Duration(seconds) * time.Second)
		return nil
	}
	v, err := time.ParseDuration(text)
	if err != nil {
		return err
	}
	*d = duration(v)
	return nil
}

// list is a list in a body, which may be one text with commas.
type list []string

// UnmarshalJSON implements json.Unmarshaler.
func (l *list) UnmarshalJSON(raw []byte) error {
	var all texts
	if err := all.UnmarshalJSON(raw); err != nil {
		return err
	}
	if raw[0] != '"' {
		*l = list(all)
		return nil
	}
	*l = nil
	for part := range strings.SplitSeq(all[0], ",") {
		if part = strings.TrimSpace(part); part != "" {
			*l = append(*l, part)
		}
	}
	return nil
}

func seconds(d time.Duration) int { return int(d / time.Second) }

// stamp is a time as Vault writes it; none is "".
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
