package spec

// Options say what of a file is wanted, and give its variables their values. The zero Options are
// those of a file that has no environment chosen and no variable set.
type Options struct {
	Filename    string     // for diagnostics only
	Environment string     // the one merged over the app; "" for none
	Variables   []Variable // of two for one name the later wins
	VarFiles    []VarFile  // in the order given, the later wins; over the environment's variables, below --var
}

// OriginFlag is the Origin of a variable given on the command line.
const OriginFlag = "--var"

// EnvPrefix begins the names of environment variables that set a variable. One that sets a variable
// no file declares is nobody's fault: the same shell serves several apps.
const EnvPrefix = "CRUMPET_VAR_"

// Variable is the value of one variable as somebody typed it.
type Variable struct {
	Name   string
	Value  string // raw: a text for type string, else an expression such as ["a", "b"]
	Origin string // OriginFlag, or the environment variable's name
}

// VarFile is a file of lines NAME = VALUE.
type VarFile struct {
	Name string // for diagnostics
	Text string
}
