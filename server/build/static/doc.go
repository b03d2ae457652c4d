// Package static serves a folder over HTTP: it is what "crumpet static" runs on a node for an app
// that has a static build.
//
//	GET /docs/a.html  ->  DIR/docs/a.html, with type, strong ETag, ranges and gzip
//	GET /docs         ->  redirect to /docs/, which is DIR/docs/index.html
//	anything else     ->  DIR/404.html with status 404
//
// The ETag is made of the content, so it is the same on every instance and stays over releases that
// don't change the file. There is no Last-Modified, for unpacking gives files the time of day.
//
// Invariant: nothing outside the folder is read, also not through links (os.Root sees to that), and
// nothing whose name begins with a dot, except in .well-known.
package static
