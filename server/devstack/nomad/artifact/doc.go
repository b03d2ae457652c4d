// Package artifact brings a task's artifacts into its folder.
//
//	http(s) URL + options -> file or unpacked folder below the task's folder
//
// Known options are checksum (TYPE:HEX, sha256 or sha512) and archive (tar.gz,
// tgz, tar, zip is not served, false). Without the option the URL's name says
// whether it is an archive. Modes are kept; an entry or a link that leaves the
// folder is refused, and so is what is neither file, folder nor link.
//
// Invariant: nothing is visible at the destination before its checksum has
// been found right.
package artifact
