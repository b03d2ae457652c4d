// Package logs turns the files that Nomad keeps of the output of an app's instances, and the app's
// events, into one sequence of lines that can be left and taken up again anywhere.
//
//	instances (store) --> a tail each: stdout, stderr of each task --\
//	                      LogFiles, ReadLog, FollowLog (nomad)        >-- merger --> paas.LogPart --> emit
//	events (store)    --> story: build and platform ----------------/                Lines, After
//
// Place. A line is known by (instance, task, stream, file, offset). Nomad's frames name their file, but
// the offset in them is where some read ended, and more may have been added to a frame since: so a tail
// counts bytes itself from a place it knows. What is there is read by file and offset; what comes is
// followed, and lists of the files prove that Nomad began where it was told to (a file may go between
// our list and Nomad's), and that each file was read to its end before the next one was begun. Where a
// proof fails the tail goes back to reading files from the last place it is sure of.
//
// Resuming. LogPart.After holds the place after the last line handed on of every stream, the last event,
// and which instances were read to their end. It is all there is: any server goes on from it. A part is
// received whole or not at all, so nothing is missed or repeated. What is gone meanwhile is a line of its
// own, with the bytes between the two places: exact where the sizes of the files were seen, else "about".
//
// Order. Lines of one stream never change places. Among streams the earliest head goes first, by the
// line's own time where it begins with one that can be true; else, while followed, by its arrival; else
// by a guess: the time of the line before it, or as far between the task's start and the file's last
// change as it is in the file. LogLine.TimeFrom says which. Followed lines wait 300 ms for each other,
// as Nomad gathers for 200 ms; a stream that is behind holds the others for 3 s at most.
//
// Bounds. A tail hands on two batches of 128 KiB at most until the merger has taken them, so a reader
// that is slow slows Nomad's streams down; a line is at most 16 KiB, a longer one comes in pieces; the
// lines to begin with are at most 10,000 or 16 MiB. What held lines is used again: a batch goes back to
// its tail with the right to send one more, a part is emit's until it returns. Every goroutine ends before
// Logs returns.
//
// Keeping. Run keeps the last MiB of each stream of instances and runs that have ended, 0600 below the
// data folder, for a week, 200 of an app: it is read once Nomad answers that it knows the instance no
// more. Each server keeps its own.
//
// Invariant: nothing here writes to Nomad or to the store, and no line goes into our own log.
package logs
