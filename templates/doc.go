// Package templates holds the apps that `crumpet init` begins with, and writes them.
//
// Each folder is one template. A file's name loses .tmpl when it is written: go.mod.tmpl and
// main.go.tmpl keep a template's Go files out of Crumpet's own module. In every file the word
// crumpetapp becomes the app's name, so that a template is a whole app before anything is replaced.
//
// `crumpet init` writes them into a folder, and the server makes apps of them: both take the same bytes, so that what
// was built for the one is found for the other.
package templates
