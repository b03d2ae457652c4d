# What Crumpet's own server may do in Nomad, and nothing beyond. An operator loads it once and makes a token of it:
#
#   nomad acl policy apply crumpet server.hcl
#   nomad acl token create -name crumpet -policy crumpet
#
# A team is a namespace. Nomad lets nobody but a management token make one, so that is not here: the operator makes the
# namespace of each team before the team (nomad namespace apply TEAM), and Crumpet finds it there.
#
# What it can't be kept from: who may submit jobs runs programs on the nodes. Guard this token as that of the platform.

# The star is every team. The name that fits most closely wins: a namespace that is no team gets a block of its own.
namespace "*" {
  capabilities = [
    # Which jobs there are: drift is what Nomad has and the store does not, and the other way round.
    "list-jobs",
    # What became of jobs: the job itself, allocations, evaluations, what an allocation uses, and the event stream.
    "read-job",
    # Plan, register and stop jobs of apps. Nomad 2.1 can split this into plan-job, register-job and purge-job; an older
    # one refuses a whole policy in which it does not know one word.
    "submit-job",
    # List and read the files of logs, also rotated ones, which read-logs does not show. It reaches what else lies in an
    # allocation's folder; the folder of secrets Nomad shows to nobody.
    "read-fs",
    # Stop one allocation, so that Nomad places another: crumpet restart --instance.
    "alloc-lifecycle",
    # crumpet exec. Of tasks under exec, docker and their like: for raw_exec, where it would be a shell on the node,
    # Nomad wants alloc-node-exec, which is not here.
    "alloc-exec",
    # Volumes of apps: made before the job that mounts them, looked at (who may make them may read them), and deleted when
    # somebody says so. Nomad takes the last word from 1.10.8 and 1.11.2 on: leave it out before, volumes then are deleted
    # by an operator.
    "host-volume-create",
    "host-volume-delete",
  ]

  # Which generation of each binding's credentials an app has to read, as Nomad shows it to the tasks of a namespace.
  # No name, no password. It is read and written by compare-and-set, and taken away with the last binding.
  variables {
    path "nomad/jobs" {
      capabilities = [
        "read",
        "write",
        "destroy",
      ]
    }
  }
}

# The namespace of the platform's own jobs, Crumpet's and Fabio's, which operators submit. No line would end the stream of
# events of all others, as Nomad streams all namespaces or none.
namespace "crumpet--platform" {
  capabilities = [
    # Follow events, and see which routers Nomad has given up.
    "read-job",
  ]
}

# Register a job whose process has a volume: Nomad asks for the right to mount it, by the volume's name, which is
# APP--PROCESS--VOLUME.
host_volume "*--*--*" { policy = "write" }

# Which nodes there are and what room they have; write: drain one (crumpet nodes drain), have one looked at again.
node { policy = "write" }

# Which version Nomad has, and how each agent is set up: GET /v1/agent/self.
agent { policy = "read" }

# Who leads, who votes and how many servers may be lost: the health of autopilot, which the doctor looks at.
operator { policy = "read" }
