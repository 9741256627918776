package bhxhmock

// ReadClaim gives the episodes that the mock sees in a file, for the fuzz target.
func ReadClaim(file []byte, facility string) (maLK []string, fault string) {
	records, fault := readClaim(file, facility, 1<<20)
	for _, r := range records {
		maLK = append(maLK, r.maLK)
	}
	return maLK, fault
}
