// Package taskenv turns an allocation into what one of its tasks sees:
//
//	allocation + task + node + folders -> environment, and the replacement of
//	${NOMAD_*}, ${env["X"]}, ${attr.*}, ${meta.*} and ${node.*} in texts
//
// Two grammars differ as they do in Nomad. In the environment, services and
// templates every known ${NAME} is replaced and there is no escape: $${NAME}
// keeps a dollar. The driver's command and arguments know $${NAME} as a
// literal ${NAME}.
//
// Invariant: pure; a host variable comes in only where the caller puts it.
package taskenv
