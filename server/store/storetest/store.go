package storetest

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/google/go-cmp/cmp"
)

// Store is what the use cases ask of a store.
type Store interface {
	Lead(ctx context.Context) (int64, error)
	Snapshot(ctx context.Context, ref paas.AppRef) (paas.Snapshot, error)
	Snapshots(ctx context.Context, refs ...paas.AppRef) (map[paas.AppRef]paas.Snapshot, error)
	Changed(ctx context.Context, since int64) ([]paas.AppRef, int64, error)
	Save(ctx context.Context, epoch int64, c paas.Change) error
	Observe(ctx context.Context, epoch int64, o paas.Observation) error
	Facts(ctx context.Context) ([]paas.Instance, []paas.RouteFact, []paas.RouterFact, []paas.JobFact, error)
	Instances(ctx context.Context, ref paas.AppRef) ([]paas.Instance, error)
	Runs(ctx context.Context) ([]paas.Run, error)
	Nodes(ctx context.Context) ([]paas.Node, error)
	Backends(ctx context.Context) ([]paas.Backend, error)
	Traffic(ctx context.Context, ref paas.AppRef) ([]paas.Traffic, error)
	Apps(ctx context.Context, f paas.AppFilter) ([]paas.App, error)
	Refs(ctx context.Context) ([]paas.AppRef, error)
	Claims(ctx context.Context) ([]paas.Claim, error)
	Release(ctx context.Context, ref paas.AppRef, number int) (paas.Release, error)
	Releases(ctx context.Context, ref paas.AppRef, below, n int) ([]paas.Release, error)
	Endings(ctx context.Context, ref paas.AppRef) ([]paas.Ending, error)
	Ledger(ctx context.Context, ref paas.AppRef) (paas.Ledger, error)
	DropEvents(ctx context.Context, epoch int64, before time.Time) (more bool, err error)
	DropBuilds(ctx context.Context, epoch int64, before time.Time) (more bool, err error)
	NamedBlobs(ctx context.Context) (map[string]bool, error)
	PutBlob(ctx context.Context, digest string, size int64, content io.ReadSeeker) error
	OpenBlob(ctx context.Context, digest string) (io.ReadCloser, int64, error)
	MissingBlobs(ctx context.Context, digests []string) ([]string, error)
	SweepBlobs(ctx context.Context, named map[string]bool, before time.Time) (blobs int, bytes int64, err error)
	Deployment(ctx context.Context, ref paas.AppRef, id string) (paas.Deployment, error)
	Deployments(ctx context.Context, ref paas.AppRef, n int) ([]paas.Deployment, error)
	Events(ctx context.Context, f paas.EventFilter) ([]paas.Event, error)
	LastEvent(ctx context.Context) (int64, error)
	PutLaunch(ctx context.Context, epoch int64, l paas.Launch, events ...paas.Event) error
	Launch(ctx context.Context, ref paas.AppRef) (paas.Launch, error)
	OpenLaunches(ctx context.Context) ([]paas.Launch, error)
	Running(ctx context.Context) ([]paas.Instance, error)
	SpecText(ctx context.Context, r paas.Release) (paas.SpecText, error)
	TrafficSums(ctx context.Context, from, to time.Time) (map[paas.AppRef]paas.Bucket, error)
	Emit(ctx context.Context, events ...paas.Event) error
	PutToken(ctx context.Context, t paas.Token) error
	Token(ctx context.Context, id string) (paas.Token, error)
	Tokens(ctx context.Context) ([]paas.Token, error)
	TokensOf(ctx context.Context, owner string) ([]paas.Token, error)
	RevokeToken(ctx context.Context, id string, at time.Time) error
	TokenAccess(ctx context.Context, hash string) (paas.Access, error)
	SessionAccess(ctx context.Context, hash string) (paas.Access, error)
	AccessVersion(ctx context.Context) (int64, error)
	PutUses(ctx context.Context, uses ...paas.Use) error
	DropEnded(ctx context.Context, before, now time.Time) error
	Teams(ctx context.Context) ([]paas.Team, error)
	Team(ctx context.Context, name string) (paas.Team, error)
	AddTeam(ctx context.Context, t paas.Team, members ...paas.Member) error
	ChangeTeam(ctx context.Context, name string, fn func(t *paas.Team) error) (paas.Team, error)
	DropTeam(ctx context.Context, name string) error
	Members(ctx context.Context, team, user string) ([]paas.Member, error)
	PutMember(ctx context.Context, m paas.Member) error
	DropMember(ctx context.Context, team, user string) error
	PutGroups(ctx context.Context, user, provider string, want []paas.Member) (differ bool, err error)
	Users(ctx context.Context) ([]paas.User, error)
	User(ctx context.Context, name string) (paas.User, error)
	UserBySubject(ctx context.Context, provider, subject string) (paas.User, error)
	AddUser(ctx context.Context, u paas.User, in ...paas.Member) error
	ChangeUser(ctx context.Context, name string, fn func(u *paas.User) error) (paas.User, error)
	DropUser(ctx context.Context, name string) error
	Sessions(ctx context.Context, user string) ([]paas.Session, error)
	Session(ctx context.Context, id string) (paas.Session, error)
	AddSession(ctx context.Context, one paas.Session) error
	DropSession(ctx context.Context, id string) error
	DropSessions(ctx context.Context, user, but string) error
	AddLogin(ctx context.Context, l paas.Login) error
	TakeLogin(ctx context.Context, kind paas.LoginKind, hash string, now time.Time) (paas.Login, error)
	PutBuild(ctx context.Context, b paas.BuildJob, events ...paas.Event) error
	Build(ctx context.Context, id string) (paas.BuildJob, error)
	DoneBuild(ctx context.Context, source string, b paas.Build) (paas.BuildJob, error)
	LastBuild(ctx context.Context, ref paas.AppRef) (paas.BuildJob, error)
	UnfinishedBuilds(ctx context.Context) ([]paas.BuildJob, error)
	Leads(ctx context.Context, epoch int64) error
	PutBuildAs(ctx context.Context, epoch int64, b paas.BuildJob, events ...paas.Event) error
	EmitAs(ctx context.Context, epoch int64, events ...paas.Event) error
	FirstToken(ctx context.Context, t paas.Token) (bool, error)
	PutDrain(ctx context.Context, epoch int64, d paas.Drain, events ...paas.Event) error
	DropDrain(ctx context.Context, node string, events ...paas.Event) error
	PutServer(ctx context.Context, one paas.Server) error
	DropServer(ctx context.Context, id string) error
	Servers(ctx context.Context) ([]paas.Server, error)
	ConfigVersions(ctx context.Context, ref paas.AppRef) ([]paas.ConfigVersion, error)
	PutConfigVersion(ctx context.Context, v paas.ConfigVersion) error
	ConfigWritten(ctx context.Context, v paas.ConfigVersion, events ...paas.Event) error
	AddConfigVersion(ctx context.Context, v paas.ConfigVersion, events ...paas.Event) error
	DropUnwritten(ctx context.Context, v paas.ConfigVersion) error
	DropConfigVersions(ctx context.Context, ref paas.AppRef, below int) error
	ServiceProviders(ctx context.Context) ([]paas.Provider, error)
	ServiceInstances(ctx context.Context, team string) ([]paas.ServiceInstance, error)
	ServiceDetail(ctx context.Context, team, name string) (paas.ServiceDetail, error)
	Bindings(ctx context.Context, ref paas.AppRef) ([]paas.Binding, error)
	Operations(ctx context.Context) ([]paas.Operation, error)
	SaveServices(ctx context.Context, epoch int64, c paas.ServiceChange) error
	AddAudited(ctx context.Context, lines ...paas.Audited) error
	Audited(ctx context.Context, f paas.AuditFilter) ([]paas.Audited, error)
	Volumes(ctx context.Context, team string) ([]paas.HostVolume, error)
	DropVolume(ctx context.Context, v paas.HostVolume, events ...paas.Event) error
	Hosts(ctx context.Context) ([]paas.Host, error)
	ShareHost(ctx context.Context, team, host, with string, shared bool) error
	DropHost(ctx context.Context, team, host string) error
	Standing(ctx context.Context, team string) (paas.Standing, error)
	BlobSize(ctx context.Context, digest string) (int64, error)
	Ping(ctx context.Context) error
	Close() error
}

// Opened is a store, and the way to open it again on the same data; the suite closes what it has.
type Opened struct {
	Store  Store
	Reopen func(t testing.TB) Store
}

// Factory opens a new, empty store that calls notify after its commits.
type Factory func(t testing.TB, notify func(paas.AppRef)) Opened

// Run runs the suite.
func Run(t *testing.T, open Factory) {
	for name, test := range map[string]func(*testing.T, *fixture){
		"a saved app comes back equal in a snapshot":           snapshotRoundTrip,
		"a snapshot holds named releases and open walks only":  snapshotNarrow,
		"the audit grows, and is narrowed":                     audited,
		"events are narrowed to teams and to apps":             eventsAmong,
		"an unknown app is not found":                          unknownApp,
		"of two writers with one version exactly one wins":     oneWriterWins,
		"an app made again never meets an old version":         versionsNeverReturn,
		"a refused change leaves nothing behind":               wholeOrNothing,
		"an ended context leaves nothing behind":               endedContext,
		"a release is immutable":                               releaseImmutable,
		"a change of two apps is refused":                      oneAppPerChange,
		"a route has one holder":                               oneHolder,
		"one of many claimers of a route wins":                 claimRace,
		"a route given up is free and its fact is gone":        claimsReplaced,
		"side jobs are replaced, and dropped":                  sides,
		"runs are replaced, and forgotten":                     runs,
		"a deleted app leaves its events only":                 deleteApp,
		"a past leader can't write":                            epochs,
		"epochs grow over a restart":                           epochsRestart,
		"facts are replaced, and forgotten":                    facts,
		"an observation is whole or absent":                    observationWhole,
		"ended instances show while their release walks":       endedInstances,
		"failed instances show until they are replaced":        failedInstances,
		"nodes are replaced, and forgotten":                    nodes,
		"backends are replaced":                                backends,
		"apps are listed by team and name, page by page":       listApps,
		"releases and deployments are listed newest first":     listHistory,
		"what retention drops is gone, the rest stays":         ledger,
		"events and builds go by age":                          dropOld,
		"blobs nobody names go, with all their pieces":         sweepBlobs,
		"ids of events grow and are never reused":              eventIDs,
		"events are filtered":                                  eventFilter,
		"readers in steps miss no event of concurrent writers": eventsComplete,
		"notify comes after the commit":                        notifyAfterCommit,
		"tokens":                                               tokens,
		"a token's and a session's access is read at once":     access,
		"who may do less is found out at once":                 accessTold,
		"teams":                                                teams,
		"a team goes with its bots when it owns nothing":       teamDropped,
		"users":                                  users,
		"writers of one user follow each other":  usersCross,
		"members, by hand and by groups":         members,
		"sessions":                               sessions,
		"a sign-in serves once":                  logins,
		"builds":                                 builds,
		"launches are kept until their app goes": launches,
		"the text of a spec stays as long as a release of it":   sources,
		"instances that have not ended are listed by app":       running,
		"traffic is added to, and what is old goes":             traffic,
		"everything survives a restart":                         restart,
		"a leader's write is over before the next lead begins":  leadBoundary,
		"a past leader can't end a build or tell of it":         leaderFenced,
		"writers that cross each other both succeed":            crossing,
		"servers are listed, and the one that leads is named":   serversListed,
		"of many first tokens one is kept":                      firstToken,
		"blobs come back whole, or not at all":                  blobs,
		"every kind of write names the apps it changes":         changed,
		"no change is missed while several write":               changesComplete,
		"versions of a configuration are replaced, and dropped": configs,
		"the first owner of a host keeps it":                    hosts,
		"of teams that want one host at once one gets it":       hostRace,
		"a team wants no more than its quota":                   quotas,
		"of wishes at once that fill a quota one is taken":      quotaRace,
		"volumes stay when their app goes":                      volumes,
		"services are kept, replaced and dropped":               services,
		"a row that somebody else changed is not replaced":      serviceConflicts,
		"of many instances of one name one is kept":             serviceRace,
		"a service is of a team that is there":                  serviceOfTeam,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fixture{T: t, ctx: t.Context()}
			f.opened = open(t, f.told)
			f.Store = f.opened.Store
			t.Cleanup(func() {
				if err := f.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
			test(t, f)
		})
	}
}

// fixture is one test's store.
type fixture struct {
	*testing.T
	Store
	ctx    context.Context
	opened Opened

	mu       sync.Mutex
	notified []paas.AppRef     // guarded by mu
	onNotify func(paas.AppRef) // guarded by mu
}

func (f *fixture) told(ref paas.AppRef) {
	f.mu.Lock()
	f.notified = append(f.notified, ref)
	then := f.onNotify
	f.mu.Unlock()
	if then != nil {
		then(ref)
	}
}

func (f *fixture) drain() []paas.AppRef {
	f.mu.Lock()
	defer f.mu.Unlock()
	refs := f.notified
	f.notified = nil
	return refs
}

func (f *fixture) restart() {
	f.Helper()
	f.must(f.Close())
	f.Store = f.opened.Reopen(f)
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatalf("unexpected error: %v", err)
	}
}

func (f *fixture) code(err error, want paas.Code) {
	f.Helper()
	if got := paas.CodeOf(err); got != want {
		f.Fatalf("code = %q, want %q (error: %v)", got, want, err)
	}
}

func (f *fixture) equal(what string, got, want any) {
	f.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		f.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// save makes the app and gives its snapshot.
func (f *fixture) save(c paas.Change) paas.Snapshot {
	f.Helper()
	f.must(f.Save(f.ctx, 0, c))
	snap, err := f.Snapshot(f.ctx, c.Ref)
	f.must(err)
	return snap
}

var (
	shop  = paas.AppRef{Team: "default", App: "shop"}
	other = paas.AppRef{Team: "default", App: "other"}
	// noon has more digits than a store keeps and a zone other than UTC.
	noon   = time.Date(2026, 11, 22, 12, 0, 0, 123456789, time.FixedZone("somewhere", 3600))
	moment = noon.UTC().Truncate(time.Microsecond)
)

func newApp(ref paas.AppRef) paas.Change {
	return paas.Change{Ref: ref, App: &paas.App{Team: ref.Team, Name: ref.App, CreatedAt: moment}}
}

func release(ref paas.AppRef, n int) paas.Release {
	spec := paas.Spec{
		App: ref.App, Build: paas.Build{Builder: paas.BuilderGo, Main: "./cmd/x"},
		Env: map[string]paas.Value{"GREETING": {{Text: "it's \"hi\" ${x} \u0000 \\ ? ü"}, {Ref: &paas.Ref{Kind: paas.RefPort, Name: "http"}}}},
		Processes: []paas.Process{{
			Name: "web", Program: paas.Program{Command: []paas.Value{paas.Literal("./x")}, CPU: 100, Memory: 128}, Instances: 2,
			Ports:  []paas.Port{{Name: "http"}},
			Routes: []paas.Route{{Host: "shop.localhost", Path: "/", Port: "http"}},
			Health: paas.Probes{Readiness: &paas.Probe{Type: paas.ProbeHTTP, Path: "/healthz", Port: "http", Interval: time.Second, Timeout: time.Second}},
		}},
	}
	return paas.Release{
		Team: ref.Team, App: ref.App, Number: n, Spec: spec, SpecDigest: spec.Digest(), Artifact: "aa", Runtime: "bb",
		Config: 3, CreatedAt: moment, CreatedBy: "dev",
		Commit: strings.Repeat("c", 40), Dirty: true, Note: "first try", RollbackTo: n - 1,
	}
}

func event(ref paas.AppRef, message string) paas.Event {
	return paas.Event{Time: moment, Team: ref.Team, App: ref.App, Kind: paas.EventAppChanged, Message: message}
}

func instance(ref paas.AppRef, id string, release int, state paas.InstanceState) paas.Instance {
	return paas.Instance{
		ID: id, Team: ref.Team, App: ref.App, Process: "web", Slot: paas.Blue, Release: release, State: state,
		Health: paas.HealthUnknown, Node: "n1", CreatedAt: moment, Placed: 7, Since: moment,
	}
}
