"""The resources that kube-apiserver serves by default, as its discovery lists them (1.36), in its order of groups."""

from engine.kinds.common.model import ALL_VERBS, Kind, ScaleSubresource

# group/versions, preferred first; then its resources: plural, kind, scope, and where there are any: short names, categories (`in`),
# subresources, verbs (all unless told), `generation` where metadata.generation is counted (pkg/registry/*/strategy.go), the resource
# that it is another view of (`as`).
SERVED = """
core/v1
    bindings Binding namespaced verbs=create
    componentstatuses ComponentStatus cluster short=cs verbs=get,list
    configmaps ConfigMap namespaced short=cm
    endpoints Endpoints namespaced short=ep
    events Event namespaced short=ev
    limitranges LimitRange namespaced short=limits
    namespaces Namespace cluster short=ns sub=finalize,status verbs=create,delete,get,list,patch,update,watch
    nodes Node cluster short=no sub=proxy,status
    persistentvolumeclaims PersistentVolumeClaim namespaced short=pvc sub=status
    persistentvolumes PersistentVolume cluster short=pv sub=status
    pods Pod namespaced short=po in=all sub=attach,binding,ephemeralcontainers,eviction,exec,log,portforward,proxy,resize,status generation
    podtemplates PodTemplate namespaced generation
    replicationcontrollers ReplicationController namespaced short=rc in=all sub=scale,status generation
    resourcequotas ResourceQuota namespaced short=quota sub=status
    secrets Secret namespaced
    serviceaccounts ServiceAccount namespaced short=sa sub=token
    services Service namespaced short=svc in=all sub=proxy,status
apiregistration.k8s.io/v1
    apiservices APIService cluster in=api-extensions sub=status
apps/v1
    controllerrevisions ControllerRevision namespaced
    daemonsets DaemonSet namespaced short=ds in=all sub=status generation
    deployments Deployment namespaced short=deploy in=all sub=scale,status generation
    replicasets ReplicaSet namespaced short=rs in=all sub=scale,status generation
    statefulsets StatefulSet namespaced short=sts in=all sub=scale,status generation
events.k8s.io/v1
    events Event namespaced short=ev as=events
authentication.k8s.io/v1
    selfsubjectreviews SelfSubjectReview cluster verbs=create
    tokenreviews TokenReview cluster verbs=create
authorization.k8s.io/v1
    localsubjectaccessreviews LocalSubjectAccessReview namespaced verbs=create
    selfsubjectaccessreviews SelfSubjectAccessReview cluster verbs=create
    selfsubjectrulesreviews SelfSubjectRulesReview cluster verbs=create
    subjectaccessreviews SubjectAccessReview cluster verbs=create
autoscaling/v2,v1
    horizontalpodautoscalers HorizontalPodAutoscaler namespaced short=hpa in=all sub=status
batch/v1
    cronjobs CronJob namespaced short=cj in=all sub=status generation
    jobs Job namespaced in=all sub=status generation
certificates.k8s.io/v1
    certificatesigningrequests CertificateSigningRequest cluster short=csr sub=approval,status
networking.k8s.io/v1
    ingressclasses IngressClass cluster generation
    ingresses Ingress namespaced short=ing sub=status generation
    ipaddresses IPAddress cluster short=ip
    networkpolicies NetworkPolicy namespaced short=netpol generation
    servicecidrs ServiceCIDR cluster sub=status
policy/v1
    poddisruptionbudgets PodDisruptionBudget namespaced short=pdb sub=status generation
rbac.authorization.k8s.io/v1
    clusterrolebindings ClusterRoleBinding cluster
    clusterroles ClusterRole cluster
    rolebindings RoleBinding namespaced
    roles Role namespaced
storage.k8s.io/v1
    csidrivers CSIDriver cluster
    csinodes CSINode cluster
    csistoragecapacities CSIStorageCapacity namespaced
    storageclasses StorageClass cluster short=sc
    volumeattachments VolumeAttachment cluster sub=status
    volumeattributesclasses VolumeAttributesClass cluster short=vac
admissionregistration.k8s.io/v1
    mutatingadmissionpolicies MutatingAdmissionPolicy cluster in=api-extensions generation
    mutatingadmissionpolicybindings MutatingAdmissionPolicyBinding cluster in=api-extensions generation
    mutatingwebhookconfigurations MutatingWebhookConfiguration cluster in=api-extensions generation
    validatingadmissionpolicies ValidatingAdmissionPolicy cluster in=api-extensions sub=status generation
    validatingadmissionpolicybindings ValidatingAdmissionPolicyBinding cluster in=api-extensions generation
    validatingwebhookconfigurations ValidatingWebhookConfiguration cluster in=api-extensions generation
apiextensions.k8s.io/v1
    customresourcedefinitions CustomResourceDefinition cluster short=crd,crds in=api-extensions sub=status generation
scheduling.k8s.io/v1
    priorityclasses PriorityClass cluster short=pc generation
coordination.k8s.io/v1
    leases Lease namespaced
node.k8s.io/v1
    runtimeclasses RuntimeClass cluster
discovery.k8s.io/v1
    endpointslices EndpointSlice namespaced generation
resource.k8s.io/v1
    deviceclasses DeviceClass cluster
    resourceclaims ResourceClaim namespaced sub=status
    resourceclaimtemplates ResourceClaimTemplate namespaced
    resourceslices ResourceSlice cluster generation
flowcontrol.apiserver.k8s.io/v1
    flowschemas FlowSchema cluster sub=status generation
    prioritylevelconfigurations PriorityLevelConfiguration cluster sub=status generation
"""


def _resource(group: str, versions: tuple[str, ...], line: str) -> Kind:
    plural, kind, scope, *rest = line.split()
    marks = dict(mark.partition("=")[::2] for mark in rest)
    listed = {name: tuple(value.split(",")) for name, value in marks.items()}
    subresources = listed.get("sub", ())
    return Kind(
        group=group,
        versions=versions,
        kind=kind,
        plural=plural,
        namespaced=scope == "namespaced",
        singular=kind.lower(),
        list_kind=kind + "List",
        short_names=listed.get("short", ()),
        categories=listed.get("in", ()),
        verbs=listed.get("verbs", ALL_VERBS),
        status="status" in subresources,
        scale=ScaleSubresource() if "scale" in subresources else None,
        subresources=tuple(name for name in subresources if name not in ("status", "scale")),
        has_generation="generation" in marks,
        stored_as=marks.get("as", ""),
    )


def served() -> list[Kind]:
    """A kind for each resource, with names and verbs only: what a kind does is in the modules of `engine.kinds`."""
    found: list[Kind] = []
    group = ""
    versions: tuple[str, ...] = ()
    for line in SERVED.strip().splitlines():
        if line.startswith(" "):
            found.append(_resource(group, versions, line))
        else:
            group, _, listed = line.partition("/")
            group, versions = "" if group == "core" else group, tuple(listed.split(","))
    return found
