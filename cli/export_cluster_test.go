package cli

import (
	"net"
	"testing"
)

// ReadFrom reads what programs come from.
var ReadFrom = readFrom

// DatabaseOf names a database.
var DatabaseOf = databaseOf

// EndsInTime makes a connection without deadlines end at them; nobody writes to it.
func EndsInTime(t *testing.T) net.Conn {
	t.Helper()
	here, there := net.Pipe()
	t.Cleanup(func() { _ = here.Close(); _ = there.Close() }) // what was to be tried was
	return &endsInTime{Conn: here}
}
