package store

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"
)

// document is a value kept as JSON text in one column. Text, not the database's JSON type: it comes
// back byte for byte, and nothing is searched inside.
type document[T any] struct{ V T }

// Value gives the JSON.
func (d document[T]) Value() (driver.Value, error) {
	b, err := json.Marshal(d.V)
	if err != nil {
		return nil, fmt.Errorf("encode column: %w", err)
	}
	return string(b), nil
}

// Scan reads the JSON.
func (d *document[T]) Scan(src any) error {
	var b []byte
	switch s := src.(type) {
	case string:
		b = []byte(s)
	case []byte:
		b = s
	default:
		return fmt.Errorf("decode column: %T is not JSON text", src)
	}
	if err := json.Unmarshal(b, &d.V); err != nil {
		return fmt.Errorf("decode column: %w", err)
	}
	return nil
}

// stamp gives t as the store keeps it, so that what is read equals what was written.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func stampPtr(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	s := stamp(*t)
	return &s
}
