package rest

// Routes gives the rows of the route table as "GET /:type/:id", those of Config.Operations among them.
func (s *Server) Routes() []string {
	var out []string
	for _, r := range append(s.routes(), s.operationRoutes()...) {
		out = append(out, r.method+" "+r.path)
	}
	return out
}
