package install_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/install"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestEveryFaultOfAWishIsFoundAtOnce(t *testing.T) {
	t.Parallel()
	w := install.Default()
	w.Domain, w.Count, w.AdminPort, w.Driver, w.Folder, w.Volume = "Apps_test", 0, 80, "docker", "bin; rm", "a b"
	w.ConsulURL, w.VaultURL, w.Listen, w.Drivers, w.Proxies = "https://127.0.0.1:8501", "vault", "everywhere", "java", []string{"proxy"}
	w.NomadURL = "https://127.0.0.1:4646"
	w.Crumpet = install.Program{Version: "${x}", Source: "https://u:p@example.com/c", Checksum: "md5:1"}
	w.Fabio = install.Program{Version: "1.7.3", Source: "https://example.com/f", Checksum: "sha256:12"}
	_, err := install.New(install.Config{Wish: w})
	var at []string
	for _, f := range paas.FaultsOf(err) {
		at = append(at, f.Location)
		if strings.Contains(f.Message, "u:p@") {
			t.Errorf("a password is shown: %s", f.Message)
		}
	}
	want := strings.Fields("admin_port consul_url count crumpet.source crumpet.version domain driver drivers fabio.checksum folder host listen nomad_url proxies vault_url volume")
	if diff := cmp.Diff(want, at); diff != "" {
		t.Errorf("%s\n%v", diff, paas.FaultsOf(err))
	}
}

func TestWhatIsSaidNowStandsOverWhatWasSaidBefore(t *testing.T) {
	t.Parallel()
	was := wish()
	was.Crumpet = install.Program{Version: "1.0.0", Source: "https://example.com/c-1.0.0", Checksum: "sha256:1"}
	was.Fabio.Source = "https://example.com/fabio"
	was.Proxies = []string{"10.0.0.1"}
	now, err := was.Over(install.Wish{Count: 3, Crumpet: install.Program{Version: "1.1.0"}, Proxies: []string{"10.0.0.2"}})
	if err != nil {
		t.Fatal(err)
	}
	want := wish()
	want.Count, want.Proxies = 3, []string{"10.0.0.2"}
	want.Crumpet, want.Fabio.Source = install.Program{Version: "1.1.0"}, "https://example.com/fabio" // a source is of one version
	if diff := cmp.Diff(want, now); diff != "" {
		t.Error(diff)
	}
	same, err := was.Over(install.Wish{Crumpet: install.Program{Version: "1.0.0"}})
	if diff := cmp.Diff(was, same); diff != "" || err != nil {
		t.Errorf("the same version again: %s %v", diff, err)
	}
}
