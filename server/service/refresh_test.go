package service_test

import (
	"testing"

	"github.com/crumpet-paas/crumpet/server/broker/brokertest"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// Whoever lists the providers sees what a refresh by hand has met, until it goes well again.
func TestARefreshThatFailedIsNoted(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.add()
	reason := func() string {
		list, err := s.Providers(t.Context())
		s.must(err)
		return list[0].Reason
	}
	s.broker.On(brokertest.Catalog, brokertest.JSON(500, `{}`))
	_, err := s.RefreshProvider(t.Context(), "acme", "root")
	if err == nil || reason() != paas.MessageOf(err) {
		t.Errorf("%v, noted %q", err, reason())
	}
	s.broker.On(brokertest.Catalog, brokertest.JSON(200, catalogText))
	_, err = s.RefreshProvider(t.Context(), "acme", "root")
	s.must(err)
	if reason() != "" {
		t.Errorf("noted %q", reason())
	}
}
