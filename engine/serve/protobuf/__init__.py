"""Request bodies in Kubernetes' protobuf encoding, which clients made with client-go 1.32 and later send for the built-in kinds."""
