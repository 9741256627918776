// Package operation has the operations of FHIR that stand on several interactions, without HTTP:
//
//	$everything               of a patient or an encounter       everything.go, supporting.go, care.go
//	$meta $meta-add …-delete  profiles, labels and tags          meta.go (the change itself: interaction.MetaChange)
//	$lastn                    the last observations of each kind lastn.go
//	$diff                     two versions, as a FHIRPath Patch  diff.go, difference.go, part.go
//
// $graphql is not offered. It may import interaction and what that stands on. Start reading at Service.Everything.
package operation
