// Package team is the use case of those who share a cluster: teams, who is in them as what, their bots, their
// quotas and their hosts.
//
//	wish of a call -> rows of teams, users, members and hosts
//	               -> the team's namespace in Nomad
//
// A team is its row. The namespace follows it, and whoever crashes between both leaves nothing broken: the
// converger makes the namespace before the first job in it, as often as it takes. In Vault a team has
// nothing of its own; its apps have, and their roles are made with them.
//
// Who may call what is decided before, by the permission table. What is decided here is what a role alone does
// not say: nobody gives more than they have, a bot stays in its team, a group's member is the group's.
//
// Invariant: it never touches an app, a release or a job.
package team
