// Package build turns a source into an artifact.
//
//	digests --Missing--> what to send --Receive--> verified blobs       bundle.go
//	manifest (a blob) --Start--> paas.BuildJob, pending                 build.go, manifest.go
//	  --Run--> builder --> entries --> tar.gz, by digest --> done       run.go, golang.go, folder.go, artifact.go
//
// A source is a manifest, a list of paas.File by content, so an unchanged file is never sent again. An
// artifact is a tar.gz with sorted names, no times and no owners, so equal input gives an equal digest,
// and a source that was built before is not built again. It holds regular files only: links are
// replaced by what they point to, because Nomad's fetcher makes empty files of them.
//
// A build is a row of the store. Run takes up those a killed server left behind; a build's lines are
// events of the kind build.log, bounded in number and length. A builder gets PATH, a folder as HOME
// and the settings of the Go toolchain, nothing else of the server's environment.
//
// Invariant: nothing of a source is read or written outside the folder of its build.
package build
