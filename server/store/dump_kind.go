package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// kind is what a column holds, whatever the database calls it.
type kind string

const (
	kindText  kind = "text"
	kindInt   kind = "int"
	kindBool  kind = "bool"
	kindTime  kind = "time" // with microseconds
	kindBytes kind = "bytes"
)

// kindOf gives the kind of a type in the words of a database, "" for one that is not known.
func kindOf(declared string) kind {
	switch strings.ToLower(declared) {
	case "text":
		return kindText
	case "bigint", "integer":
		return kindInt
	case "boolean":
		return kindBool
	case "timestamp", "timestamp with time zone":
		return kindTime
	case "blob", "bytea":
		return kindBytes
	}
	return ""
}

// cell is a place that a value of the kind, or NULL, is read into.
func (k kind) cell() any {
	switch k {
	case kindInt:
		return new(sql.NullInt64)
	case kindBool:
		return new(sql.NullBool)
	case kindTime:
		return new(sql.NullTime)
	case kindBytes:
		return new([]byte)
	case kindText:
	}
	return new(sql.NullString)
}

// plain gives what a cell holds, as JSON has it.
func plain(cell any) any {
	switch c := cell.(type) {
	case *sql.NullString:
		if c.Valid {
			return c.String
		}
	case *sql.NullInt64:
		if c.Valid {
			return c.Int64
		}
	case *sql.NullBool:
		if c.Valid {
			return c.Bool
		}
	case *sql.NullTime:
		if c.Valid {
			return stamp(c.Time)
		}
	case *[]byte:
		if *c != nil {
			return *c
		}
	}
	return nil
}

// value reads a value of the kind from JSON, as the store writes it itself.
func (k kind) value(raw json.RawMessage) (any, error) {
	if string(raw) == "null" {
		return nil, nil
	}
	var err error
	switch k {
	case kindText:
		var v string
		err = json.Unmarshal(raw, &v)
		return v, err
	case kindInt:
		var v int64
		err = json.Unmarshal(raw, &v)
		return v, err
	case kindBool:
		var v bool
		err = json.Unmarshal(raw, &v)
		return v, err
	case kindTime:
		var v time.Time
		err = json.Unmarshal(raw, &v)
		return stamp(v), err
	case kindBytes:
		var v []byte
		err = json.Unmarshal(raw, &v)
		return v, err
	}
	return nil, paas.Wrap(paas.Invalid, fmt.Errorf("kind %q", k), "The copy of the store has a column of a kind that this Crumpet does not know. Use the Crumpet that made it.")
}
