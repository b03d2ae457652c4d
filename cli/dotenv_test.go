package cli_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/cli"
)

func TestAnEnvFileIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"assignments in order":             {"B=2\nA=1\n", "B=2|A=1"},
		"no newline at the end":            {"A=1", "A=1"},
		"comments and empty lines":         {"# x\n\n  \t\n  # y\nA=1 # z\n", "A=1"},
		"a hash without a space before it": {"A=1#2\n", "A=1#2"},
		"only a comment":                   {"A= # none\nB=#x\n", "A=|B="},
		"an empty value":                   {"A=\n", "A="},
		"spaces around":                    {"  A =  x y  \n", "A=x y"},
		"export":                           {"export A=1\nexport\tB=2\nexports=3\nexport=4\n", "A=1|B=2|exports=3|export=4"},
		"equals signs in the value":        {"A=b=c==\n", "A=b=c=="},
		"single quotes":                    {"A='a \\n $x \"#\" '  # c\n", `A=a \n $x "#" `},
		"double quotes":                    {`A="a\nb\t\"\\\$x\r#" # c`, "A=a\nb\t\"\\$x\r#"},
		"several lines":                    {"A=\"-----BEGIN\nx\n\nEND\"\nB='1\n2'\nC=3\n", "A=-----BEGIN\nx\n\nEND|B=1\n2|C=3"},
		"windows lines":                    {"A=1\r\nB=\"2\"\r\n\r\nC= 3 \r\n", "A=1|B=2|C=3"},
		"a byte order mark":                {"\uFEFFA=1\n", "A=1"},
		"unicode":                          {"A=grüße 🥞\n", "A=grüße 🥞"},
		"nothing is expanded":              {"A=$B${C}`d`\n", "A=$B${C}`d`"},
		"nothing":                          {"", ""},
	} {
		got, faults := cli.ParseEnv(".env", c.text)
		if len(faults) > 0 || strings.Join(got, "|") != c.want {
			t.Errorf("%s: %q, faults %v; want %q", name, got, faults, c.want)
		}
	}
}

func TestEveryFaultOfAnEnvFileHasItsPlaceAndQuotesNothing(t *testing.T) {
	t.Parallel()
	text := strings.Join([]string{
		"GOOD=1",
		"hunter2",
		"1BAD=hunter2",
		"a-b=hunter2",
		"  =hunter2",
		"GOOD=hunter2",
		`E="a\q" `,
		`Q='x' hunter2`,
		"N=a\x00b",
		`grüße=1`,
		"FINE=1",
		`OPEN="hunter2`,
		"more",
	}, "\n")
	got, faults := cli.ParseEnv(".env", text)
	if got != nil {
		t.Errorf("something was read: %q", got)
	}
	var places []string
	for _, f := range faults {
		place, message, _ := strings.Cut(f, " ")
		places = append(places, place)
		if strings.Contains(message, "hunter2") {
			t.Errorf("a fault quotes: %s", f)
		}
	}
	want := []string{".env:2:1", ".env:3:1", ".env:4:1", ".env:5:3", ".env:6:1", ".env:7:5", ".env:8:7", ".env:9:4", ".env:10:1", ".env:12:6"}
	if diff := cmp.Diff(want, places); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
	if _, faults := cli.ParseEnv("x", "A=1\nB=é\xff\n"); len(faults) != 1 || !strings.HasPrefix(faults[0], "x:2:4 ") {
		t.Errorf("not UTF-8: %v", faults)
	}
}

func FuzzWhatIsShownCanBeImportedAgain(f *testing.F) {
	for _, s := range []string{"", "x", " a b ", "a\nb", `"\$'#`, "\r\n\t", "grüße 🥞", "=", "\uFEFF", "export"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if strings.ToValidUTF8(value, "") != value || strings.ContainsRune(value, 0) {
			return // neither is text of an environment variable
		}
		got, faults := cli.ParseEnv("f", "A=1\n"+cli.EnvLine("B", value)+"\nC=2\n")
		if diff := cmp.Diff([]string{"A=1", "B=" + value, "C=2"}, got); diff != "" || len(faults) > 0 {
			t.Errorf("%q: faults %v, %s", value, faults, diff)
		}
	})
}

// FuzzAnyEnvFile holds that no text makes the reader fail, or find both assignments and faults.
func FuzzAnyEnvFile(f *testing.F) {
	for _, s := range []string{"A=1", `A="`, "A='\n'x", "export", "=", "A=\"\\", "\x00", "a\xffb", "A=1\r"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, faults := cli.ParseEnv("f", text); len(got) > 0 && len(faults) > 0 {
			t.Errorf("%q gives both", text)
		}
	})
}
