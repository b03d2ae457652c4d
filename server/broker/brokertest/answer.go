package brokertest

import (
	"io"
	"net/http"
	"strings"
	"time"
)

// Answer is what becomes of one request.
type Answer func(w http.ResponseWriter, r *http.Request)

// JSON answers as a broker should.
func JSON(status int, body string) Answer { return Raw(status, "application/json", body) }

// Raw answers with any body; "" leaves the content type out.
func Raw(status int, contentType, body string) Answer {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil // else it is guessed
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// With adds a header to an answer.
func With(name, value string, to Answer) Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(name, value)
		to(w, r)
	}
}

// Huge answers with a JSON object of size bytes, or what of it is read.
func Huge(status int, size int64) Answer {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		if _, err := io.WriteString(w, `{"operation":"`); err != nil {
			return
		}
		chunk := strings.Repeat("x", 32<<10)
		for left := size; left > 0; left -= int64(len(chunk)) {
			if _, err := io.WriteString(w, chunk); err != nil {
				return
			}
		}
		_, _ = io.WriteString(w, `"}`)
	}
}

// Hang gives no answer until the client leaves.
func Hang() Answer {
	return func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
}

// Slow sends the status and then one byte at a time, for ever.
func Slow(status int, every time.Duration) Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for flush := http.NewResponseController(w); ; {
			select {
			case <-r.Context().Done():
				return
			case <-tick.C:
				if _, err := io.WriteString(w, " "); err != nil || flush.Flush() != nil {
					return
				}
			}
		}
	}
}

// Cut sends a status and a part of a body in chunks, and ends the connection within a chunk.
func Cut(status int, body string) Answer {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler) // what net/http has for it
	}
}

// Bytes sends what need not be HTTP at all, and ends the connection.
func Bytes(text string) Answer {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, text)
		_ = conn.Close()
	}
}
