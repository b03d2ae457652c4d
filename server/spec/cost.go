package spec

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// The costs of functions that can make much of little, in the units of meter, before they are
// called: one above maxValue is refused. The arguments are known, not null, and hold no marks.

func costJoin(args []cty.Value) int {
	n := 0
	for _, list := range args[1:] {
		n += list.LengthInt()
	}
	return n * len(args[0].AsString())
}

func costReplace(args []cty.Value) int {
	text, old, replacement := args[0].AsString(), args[1].AsString(), args[2].AsString()
	if pattern, is := slashed(old); is {
		// Each character may be replaced, and "$1$1" by a text again.
		return pace(pattern, text) + (len(text)+1)*(1+len(replacement)+strings.Count(replacement, "$")*len(text))
	}
	return strings.Count(text, old) * len(replacement)
}

func costRegex(args []cty.Value) int { return pace(args[0].AsString(), args[1].AsString()) }

// pace is how long a regular expression takes: its states times the length of the text.
func pace(pattern, text string) int {
	const compile, repeat = 4096, 1000 // {1000} is the most that the library allows
	states := len(pattern)
	if strings.Contains(pattern, "{") {
		states *= repeat
	}
	return compile + states*(1+len(text)/8)
}

var widths = regexp.MustCompile(`[0-9]+`)

func costFormat(args []cty.Value) int {
	cost := 0
	for _, width := range widths.FindAllString(args[0].AsString(), -1) {
		n, err := strconv.Atoi(width)
		if err != nil {
			return maxValue + 1
		}
		cost += n
	}
	longest := 1 // formatlist does it for each
	total := 0
	for _, arg := range args[1:] {
		if t := arg.Type(); t.IsListType() || t.IsTupleType() || t.IsSetType() {
			longest = max(longest, arg.LengthInt())
		}
		n, _ := size(arg)
		total += n
	}
	// %[1]s may stand as often as there is room.
	return longest*(len(args[0].AsString())+cost) + strings.Count(args[0].AsString(), "[")*total
}

func costIndent(args []cty.Value) int {
	n, _ := args[0].AsBigFloat().Int64()
	return int(min(max(n, 0), maxValue+1)) * (1 + strings.Count(args[1].AsString(), "\n"))
}

func costParseInt(args []cty.Value) int {
	if t := args[0].Type(); t != cty.String {
		return 0
	}
	n := len(args[0].AsString())
	return n * n
}

func costPairs(args []cty.Value) int {
	n := args[0].LengthInt()
	each, _ := size(args[0])
	return n * (each / 8)
}

func costProduct(args []cty.Value) int {
	n := perNode * len(args)
	for _, arg := range args {
		t := arg.Type()
		if !t.IsListType() && !t.IsSetType() && !t.IsTupleType() {
			return 0
		}
		n *= arg.LengthInt()
		if n > maxValue {
			return n
		}
	}
	return n
}

var aliases = regexp.MustCompile(`(?m)(^|[\s\[{,:-])\*`)

// costYAML bounds what aliases of aliases can stand for.
func costYAML(args []cty.Value) int {
	text := args[0].AsString()
	if len(aliases.FindAllStringIndex(text, 17)) > 16 {
		return maxValue + 1
	}
	return costNested(args)
}

// costNested bounds how deep a text in JSON or YAML is nested: each level costs that of all below.
func costNested(args []cty.Value) int {
	text := args[0].AsString()
	depth, deepest := 0, 0
	for _, c := range []byte(text) { // brackets in texts count as well: nobody has that many
		switch c {
		case '[', '{':
			depth++
			deepest = max(deepest, depth)
		case ']', '}':
			depth--
		}
	}
	if deepest > maxLevels {
		return maxValue + 1
	}
	return 8 * len(text)
}
