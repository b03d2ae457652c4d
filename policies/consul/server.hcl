# What Crumpet's own server may do in Consul, and nothing beyond. An operator loads it once and makes a token of it:
#
#   consul acl policy create -name crumpet -rules @server.hcl
#   consul acl token create -description crumpet -policy-name crumpet

# The keys that every Fabio reads. Crumpet writes the rule of each app below fabio/config/crumpet/. All of the folder is
# here, as one bad line of anybody's stops every table of routes: such a key is put aside. Nobody else should write here.
key_prefix "fabio/config/" { policy = "write" }

# Where such keys are put aside.
key_prefix "crumpet/quarantine/" { policy = "write" }

# The lock that says which server leads, with its epoch.
key "crumpet/leader" { policy = "write" }

# Hold that lock: a session stands on the node of the agent that the server asks, which may be any.
session_prefix "" { policy = "write" }

# Read the checks of every app, and which instances of them and of Fabio there are; write: make this server known as the
# service crumpet, and take away a service of an app whose allocation is gone. Names of apps' services begin with the
# team's, so no prefix is shorter than none.
service_prefix "" { policy = "write" }

# Consul shows services and checks only with the node that they are on.
node_prefix "" { policy = "read" }

# Who leads, who votes and how many servers may be lost: the health of autopilot, which the doctor looks at.
operator = "read"
