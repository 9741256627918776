// Package rest serves the FHIR R4 interface over HTTP, on Gin. It reads requests, negotiates, and writes answers; what an
// interaction means is the matter of fhir/interaction.
//
//	request -> route table (routes.go) -> handle: call made, handler run, answer or error written (handle.go)
//	handler -> negotiate, read the body once as it streams in (negotiate.go, body.go)
//	        -> interaction -> answer built by appending the stored bytes (respond.go, bundle.go)
//
// Errors go up untouched; handle.go is the only place that turns one into a status and an OperationOutcome.
//
//	GET    metadata                         CapabilityStatement
//	POST   (base)                           transaction, batch
//	GET    _history, Type/_history          history
//	GET    Type?…   GET POST Type/_search   search
//	POST   Type                             create, conditional create (If-None-Exist)
//	PUT PATCH DELETE Type?…                 conditional update, patch, delete
//	GET PUT PATCH DELETE Type/id            read, update, patch, delete
//	GET    Type/id/_history[/version]       history, vread
//	GET POST Patient/id/$everything         all about a patient; this and other operations of R4: standard.go
//	GET    (base)?_type=…   POST _search    search over several types
//	GET    Patient/id/Type?…, Patient/id/*  compartment search, POST with /_search
//	GET    /healthz, /readyz                for load balancers, beside the base
//
// HEAD is answered where GET is. A browser gets a page made of the answer (readable.go); caches are told what they may keep
// (caching.go).
//
// Caveats. Without Config.BaseURL, links and Location follow the request's Host, so that they lead back through a mapped
// port or a proxy that keeps it; whoever can choose the Host chooses the links of the own answer. Caches in front need a
// BaseURL. A request that net/http refuses itself never gets here, and has plain text instead of an OperationOutcome: a
// path with broken percent-encoding (400), headers over http.Server.MaxHeaderBytes (431), what is no HTTP (400).
//
// It may import gin, interaction and operation, outcome, and what these stand on.
// Start reading at Server, then routes. Source: https://hl7.org/fhir/R4/http.html
package rest
