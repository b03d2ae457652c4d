package spec

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// builtins are the functions of the language, under the names and with the meaning that Terraform
// gives them.
var builtins = map[string]builtin{
	// numbers
	"abs":      {Function: stdlib.AbsoluteFunc},
	"ceil":     {Function: stdlib.CeilFunc},
	"floor":    {Function: stdlib.FloorFunc},
	"log":      {Function: stdlib.LogFunc},
	"max":      {Function: stdlib.MaxFunc},
	"min":      {Function: stdlib.MinFunc},
	"parseint": {Function: stdlib.ParseIntFunc, cost: costParseInt},
	"pow":      {Function: stdlib.PowFunc},
	"signum":   {Function: stdlib.SignumFunc},
	"sum":      {Function: sumFunc},

	// texts
	"chomp":       {Function: stdlib.ChompFunc, carries: anywhere},
	"endswith":    {Function: textsFunc(strings.HasSuffix)},
	"format":      {Function: stdlib.FormatFunc, carries: anywhere, cost: costFormat},
	"formatlist":  {Function: stdlib.FormatListFunc, carries: anywhere, cost: costFormat},
	"indent":      {Function: stdlib.IndentFunc, carries: 2, cost: costIndent},
	"join":        {Function: stdlib.JoinFunc, carries: anywhere, cost: costJoin},
	"lower":       {Function: stdlib.LowerFunc},
	"regex":       {Function: stdlib.RegexFunc, cost: costRegex},
	"regexall":    {Function: stdlib.RegexAllFunc, cost: costRegex},
	"replace":     {Function: replaceFunc, carries: 3, cost: costReplace},
	"split":       {Function: stdlib.SplitFunc},
	"startswith":  {Function: textsFunc(strings.HasPrefix)},
	"strcontains": {Function: textsFunc(strings.Contains)},
	"strrev":      {Function: stdlib.ReverseFunc},
	"substr":      {Function: stdlib.SubstrFunc},
	"title":       {Function: stdlib.TitleFunc},
	"trim":        {Function: stdlib.TrimFunc},
	"trimprefix":  {Function: stdlib.TrimPrefixFunc},
	"trimspace":   {Function: stdlib.TrimSpaceFunc, carries: anywhere},
	"trimsuffix":  {Function: stdlib.TrimSuffixFunc},
	"upper":       {Function: stdlib.UpperFunc},

	// collections
	"alltrue":         {Function: truthsFunc(true)},
	"anytrue":         {Function: truthsFunc(false)},
	"chunklist":       {Function: stdlib.ChunklistFunc, carries: anywhere},
	"coalesce":        {Function: coalesceFunc, carries: anywhere},
	"coalescelist":    {Function: stdlib.CoalesceListFunc, carries: anywhere},
	"compact":         {Function: stdlib.CompactFunc, carries: anywhere},
	"concat":          {Function: stdlib.ConcatFunc, carries: anywhere},
	"contains":        {Function: stdlib.ContainsFunc},
	"distinct":        {Function: stdlib.DistinctFunc, cost: costPairs},
	"element":         {Function: stdlib.ElementFunc, carries: anywhere},
	"flatten":         {Function: stdlib.FlattenFunc, carries: anywhere},
	"index":           {Function: indexFunc},
	"keys":            {Function: stdlib.KeysFunc, carries: anywhere},
	"length":          {Function: lengthFunc, carries: anywhere},
	"lookup":          {Function: lookupFunc, carries: anywhere},
	"merge":           {Function: stdlib.MergeFunc, carries: anywhere},
	"one":             {Function: oneFunc, carries: anywhere},
	"range":           {Function: stdlib.RangeFunc},
	"reverse":         {Function: stdlib.ReverseListFunc, carries: anywhere},
	"setintersection": {Function: stdlib.SetIntersectionFunc},
	"setproduct":      {Function: stdlib.SetProductFunc, carries: anywhere, cost: costProduct},
	"setsubtract":     {Function: stdlib.SetSubtractFunc},
	"setunion":        {Function: stdlib.SetUnionFunc},
	"slice":           {Function: stdlib.SliceFunc, carries: anywhere},
	"sort":            {Function: stdlib.SortFunc},
	"transpose":       {Function: transposeFunc},
	"values":          {Function: stdlib.ValuesFunc, carries: anywhere},
	"zipmap":          {Function: stdlib.ZipmapFunc, carries: 2},

	// encodings
	"base64decode": {Function: base64DecodeFunc},
	"base64encode": {Function: textFunc(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) })},
	"csvdecode":    {Function: stdlib.CSVDecodeFunc},
	"jsondecode":   {Function: stdlib.JSONDecodeFunc, cost: costNested},
	"jsonencode":   {Function: stdlib.JSONEncodeFunc, carries: anywhere},
	"urlencode":    {Function: textFunc(url.QueryEscape)},
	"yamldecode":   {Function: yaml.YAMLDecodeFunc, cost: costYAML},
	"yamlencode":   {Function: yaml.YAMLEncodeFunc, carries: anywhere},

	// digests
	"base64sha256": {Function: digestFunc(sha256.New, base64.StdEncoding.EncodeToString)},
	"base64sha512": {Function: digestFunc(sha512.New, base64.StdEncoding.EncodeToString)},
	"md5":          {Function: digestFunc(md5.New, hex.EncodeToString)},
	"sha1":         {Function: digestFunc(sha1.New, hex.EncodeToString)},
	"sha256":       {Function: digestFunc(sha256.New, hex.EncodeToString)},
	"sha512":       {Function: digestFunc(sha512.New, hex.EncodeToString)},

	// networks
	"cidrhost":    {Function: cidrHostFunc},
	"cidrnetmask": {Function: cidrNetmaskFunc},
	"cidrsubnet":  {Function: cidrSubnetFunc},

	// types
	"can":      {Function: tryfunc.CanFunc},
	"tobool":   {Function: stdlib.MakeToFunc(cty.Bool)},
	"tolist":   {Function: stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)), carries: anywhere},
	"tomap":    {Function: stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)), carries: anywhere},
	"tonumber": {Function: stdlib.MakeToFunc(cty.Number)},
	"toset":    {Function: stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType))},
	"tostring": {Function: stdlib.MakeToFunc(cty.String), carries: anywhere},
	"try":      {Function: tryfunc.TryFunc},
}

func param(name string, t cty.Type) function.Parameter {
	return function.Parameter{Name: name, Type: t}
}

// textFunc makes one text of another.
func textFunc(f func(string) string) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{param("str", cty.String)},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.StringVal(f(args[0].AsString())), nil
		},
	})
}

// textsFunc asks something of two texts.
func textsFunc(f func(a, b string) bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{param("str", cty.String), param("part", cty.String)},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(f(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

func digestFunc(digest func() hash.Hash, encode func([]byte) string) function.Function {
	return textFunc(func(s string) string {
		h := digest()
		h.Write([]byte(s)) // a hash never fails to write
		return encode(h.Sum(nil))
	})
}

var base64DecodeFunc = function.New(&function.Spec{
	Params: []function.Parameter{param("str", cty.String)},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		b, err := base64.StdEncoding.DecodeString(args[0].AsString())
		switch {
		case err != nil:
			return cty.NilVal, errors.New("the text is not base64")
		case !utf8.Valid(b):
			return cty.NilVal, errors.New("what is encoded is not text in UTF-8")
		}
		return cty.StringVal(string(b)), nil
	},
})

// replaceFunc replaces a text, or a regular expression written between slashes.
var replaceFunc = function.New(&function.Spec{
	Params: []function.Parameter{param("str", cty.String), param("substr", cty.String), param("replace", cty.String)},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		text, old, replacement := args[0].AsString(), args[1].AsString(), args[2].AsString()
		if pattern, is := slashed(old); is {
			re, err := regexp.Compile(pattern)
			if err != nil {
				return cty.NilVal, err
			}
			return cty.StringVal(re.ReplaceAllString(text, replacement)), nil
		}
		return cty.StringVal(strings.ReplaceAll(text, old, replacement)), nil
	},
})

// slashed gives the regular expression of a text such as /a+/.
func slashed(s string) (string, bool) {
	if len(s) > 1 && s[0] == '/' && s[len(s)-1] == '/' {
		return s[1 : len(s)-1], true
	}
	return "", false
}
