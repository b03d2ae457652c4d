// Package logs turns the output files of an app's instances, as Nomad keeps them, into lines.
//
//	instances (store) --> a stream of bytes each, stdout and stderr (nomad) --> paas.LogLine --> emit
//
// A run of a task or cron is read as an instance of a process of its name, and a sidecar as one of
// PROCESS/SIDECAR.
//
// Without Follow each instance is read to its present end, one after the other. With Follow all are
// read at once, lines come in the order they arrive, and instances that appear later are taken up
// from their first line. A slow reader slows the streams down and loses nothing; an instance that
// has ended is read to its end before its stream is closed.
//
// Nomad's files carry no times and rotate, so a stream can't be resumed by line: after a broken
// connection to Nomad it goes on with what is written from then on.
//
// Invariant: nothing is stored; a line is at most 16 KiB, a longer one comes in pieces.
package logs
