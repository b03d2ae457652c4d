// Package executor runs one task as a process that outlives the stand-in which
// asked for it.
//
//	stand-in --Start--> shim (own session) --fork--> task (own process group)
//	                     | logs/TASK.stdout.N, .stderr.N, rotated
//	                     | run.json: pids, then exit code and signal
//	                     | alive: a fifo, open as long as the shim lives
//
// The shim is a child subreaper: when the task's first process has ended,
// everything that descends from it is killed, also what left its process
// group. If the shim itself is killed, the kernel kills the task with it.
//
// A stand-in that comes back attaches by the folder: the fifo's end of file is
// the news of an exit, run.json is how it went. The environment reaches the
// shim on its standard input, never as an argument or a file.
//
// Invariant: nothing here decides when a task starts, stops or restarts.
package executor
