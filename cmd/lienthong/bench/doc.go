// Package bench measures a server over HTTP and prints each figure next to its limit, with what it was compared with in
// the same run (docs/benchmarks.md tells how to read it).
//
//	lienthong bench import        Synthea bundles as transactions         against the raw engine writing the same
//	lienthong bench create        durable single creates, 64 clients      against the raw engine, 64 writers
//	lienthong bench read          GET by id, 64 clients                   against a bare Gin handler, the same bytes
//	lienthong bench history       vaccinations by citizen ID, p99         with 1 x and 10 x the data
//	lienthong bench startup       cold start to the first answer          empty and loaded
//	lienthong bench search        the search mix, 30 clients; 64, at --rate   against reading the same resources by id
//	lienthong bench scale         each kind of the mix                    with 1, 8 and 64 times the patients
//	lienthong bench everything    whole records of 1,500 resources, 16 clients
//	lienthong bench crud          POST GET PUT DELETE over nine types
//	lienthong bench forecast      stateless $immds-forecast, 64 clients
//	lienthong bench summary       vaccination summary by citizen ID, p99  with --children, or --copies times 200
//	lienthong bench shared        import, reads, vaccinations over --log  against the log in the folder
//	lienthong bench all           all of them
//
// The server is a child process of its own, so that its memory and processor time can be told from the load's; with
// --target the same load goes to any other FHIR server. Client and server share the machine, as the limits assume.
// Nothing here is part of the test suite: machines are noisy, so a timed figure never decides a test.
package bench
