package paas

import (
	"fmt"
	"time"
)

// LogSource is who wrote a line.
type LogSource string

// The sources of lines.
const (
	LogApp      LogSource = "app"      // an instance, to stdout or stderr
	LogBuild    LogSource = "build"    // a builder
	LogPlatform LogSource = "platform" // Crumpet, of what it and Nomad did
)

// LogSources are all of them.
var LogSources = []LogSource{LogApp, LogBuild, LogPlatform}

// LogQuery says which output of an app is wanted.
type LogQuery struct {
	Ref      AppRef
	Process  string      // "" for all
	Instance string      // an instance's id, the beginning of one, or its number; "" for all
	Release  int         // 0 for all
	Sources  []LogSource // all when empty
	Since    time.Time   // only lines from then on; zero for all
	Until    time.Time   // only lines until then; zero for all. Not with Follow
	Match    string      // only lines that this regular expression (RE2) matches; "" for all
	Lines    int         // how many of the last lines to begin with, all sources together
	Follow   bool        // go on until the caller leaves
	After    string      // LogPart.After of the last part that was received: Lines and Since mean nothing then
}

// LogPart is some lines that belong together: whoever has all of them goes on with what After stands
// for, and misses and repeats nothing.
type LogPart struct {
	Lines []LogLine
	After string // an opaque text
}

// LogTime says where the time of a line is from.
type LogTime string

// Where the time of a line is from: Nomad's files keep none.
const (
	TimeLine    LogTime = "line"    // the line begins with it, or the store keeps it
	TimeArrival LogTime = "arrival" // when Crumpet received it
	TimeFile    LogTime = "file"    // guessed from the task's start, the file's last change and the place in it
)

// LogLine is one line.
type LogLine struct {
	Source   LogSource `json:"source"`
	Name     string    `json:"name"`               // as people are shown it: PROCESS[NUMBER], build or platform
	Instance string    `json:"instance,omitempty"` // id of the allocation
	Process  string    `json:"process,omitempty"`
	Release  int       `json:"release,omitempty"`
	Stream   string    `json:"stream,omitempty"` // stdout or stderr
	Time     time.Time `json:"time"`
	TimeFrom LogTime   `json:"time_from"`
	Lost     int64     `json:"lost,omitempty"` // bytes at least that can't be read any more, between the line before of the same stream and the next; Text says so
	Text     string    `json:"text"`
}

// LogFile is one of the files that Nomad keeps of a stream of a task: the highest number is written
// to, the lowest goes first.
type LogFile struct {
	Task     string    `json:"task"`
	Stream   string    `json:"stream"`
	Number   int       `json:"number"`
	From     int64     `json:"from,omitempty"` // bytes before it are gone
	Size     int64     `json:"size"`           // with those that are gone
	Modified time.Time `json:"modified"`
}

// LogPlace is a place in a stream: the next byte to be read.
type LogPlace struct {
	File   int   // number
	Offset int64 // in it
}

func (p LogPlace) String() string { return fmt.Sprintf("%d.%d", p.File, p.Offset) }

// Before says that p comes before q.
func (p LogPlace) Before(q LogPlace) bool {
	return p.File < q.File || p.File == q.File && p.Offset < q.Offset
}

// LogChunk is some bytes of one file. One without Data is a sign of life. The bytes are its receiver's
// only until it returns.
type LogChunk struct {
	File int // number
	Data []byte
}
