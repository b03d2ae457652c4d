package paas_test

import (
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestParseRouteTakesHostsAndPaths(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"shop.example.com":       "shop.example.com/",
		"shop.example.com/":      "shop.example.com/",
		"shop.example.com/api":   "shop.example.com/api/",
		"*.example.com/a/b/":     "*.example.com/a/b/",
		"127.0.0.1/":             "127.0.0.1/",
		"xn--bcher-kva.example/": "xn--bcher-kva.example/",
		"a.localhost/A~b/":       "a.localhost/A~b/",
	} {
		r, problem := paas.ParseRoute(text)
		if problem != "" || r.String() != want {
			t.Errorf("ParseRoute(%q) = %q, %q; want %q", text, r, problem, want)
		}
	}
}

func TestParseRouteRefusesWhatRoutersMisread(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                   "empty",
		"/api/":                              "no host",
		"https://shop.example.com/":          "scheme",
		":8080":                              "names the port",
		"shop.example.com:80/":               "names the port",
		"Shop.example.com/":                  `Write "shop.example.com/"`,
		"shop..example.com/":                 `the part ""`,
		"-shop.example.com/":                 `the part "-shop"`,
		"shop_1.example.com/":                `the part "shop_1"`,
		"a.*.example.com/":                   "not its whole first part",
		"*/":                                 "not its whole first part",
		"crumpet.invalid/":                   "Crumpet's own",
		"a.crumpet.invalid/":                 "Crumpet's own",
		"shop.example.com/[a":                `character '['`,
		"shop.example.com/$DC/":              `character '$'`,
		"shop.example.com/a b/":              `character ' '`,
		"shop.example.com/a\tb/":             `character '\t'`,
		"shop.example.com/a\"/":              `character '"'`,
		"shop.example.com/%41/":              `character '%'`,
		"shop.example.com/a//b/":             "leave it out",
		"shop.example.com//":                 "leave it out",
		"shop.example.com/../":               "leave it out",
		"shop.$x.com/":                       `the part "$x"`,
		"shop.example.com/é/":                `character 'é'`,
		strings.Repeat("a.", 130) + "b/":     "at most 253",
		"a.com/" + strings.Repeat("a/", 600): "at most 1024",
		strings.Repeat("a", 64) + ".com/":    "1 to 63",
	} {
		if _, problem := paas.ParseRoute(text); !strings.Contains(problem, want) {
			t.Errorf("ParseRoute(%q): %q, want a sentence with %q", text, problem, want)
		}
	}
}
