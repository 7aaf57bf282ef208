#!/bin/sh
# Builds a Kubernetes control plane from Go's module proxy into a folder of the build, for the tests of the target kind
# kubernetes; nothing is installed. Eight minutes of CPU, once.
#   scripts/fetch-kubernetes.sh [FOLDER]     prints a folder with etcd, kube-apiserver, kube-controller-manager,
#                                            kube-scheduler and kubectl; FOLDER defaults to ./build/kubernetes
# A folder that has them all is taken instead: KUBEBUILDER_ASSETS, then a folder of PATH. Nothing that users run needs it.
# Exit code 1, with the reason in one line, when it cannot be had.
set -eu
folder=${1:-build/kubernetes}
version=1.34.3
programs="etcd kube-apiserver kube-controller-manager kube-scheduler kubectl"
fail() { echo "fetch-kubernetes: $1" >&2; exit 1; }

has_all() {
  for program in $programs; do [ -x "$1/$program" ] || return 1; done
}
if [ -n "${KUBEBUILDER_ASSETS:-}" ] && has_all "$KUBEBUILDER_ASSETS"; then echo "$KUBEBUILDER_ASSETS"; exit 0; fi
on_path=$(command -v kube-apiserver || true)
if [ -n "$on_path" ] && has_all "$(dirname "$on_path")"; then dirname "$on_path"; exit 0; fi

mkdir -p "$folder/bin"
folder=$(cd "$folder" && pwd)
exec 9>"$folder/lock"
flock 9
if [ "$(cat "$folder/fetched" 2>/dev/null)" = "$version" ] && has_all "$folder/bin"; then echo "$folder/bin"; exit 0; fi
rm -f "$folder/fetched"
PATH=$PATH:/usr/local/go/bin  # where the official archive goes
command -v go >/dev/null || fail "Go is not installed (1.24 or newer)"
go_version=$(GOTOOLCHAIN=local go env GOVERSION | sed 's/^go//')
[ "$(printf '1.24\n%s\n' "$go_version" | sort -V | head -n 1)" = 1.24 ] || fail "Go $go_version is too old; Kubernetes $version needs 1.24"

# The module's own replace lines do not count for others: what lives in its staging folder is named here again.
staging="api apiextensions-apiserver apimachinery apiserver cli-runtime client-go cloud-provider cluster-bootstrap code-generator
  component-base component-helpers controller-manager cri-api cri-client csi-translation-lib dynamic-resource-allocation endpointslice
  externaljwt kms kube-aggregator kube-controller-manager kube-proxy kube-scheduler kubectl kubelet metrics mount-utils
  pod-security-admission sample-apiserver sample-cli-plugin sample-controller"
{
  printf 'module docktor/kubernetes-for-tests\n\ngo 1.24\n\nrequire k8s.io/kubernetes v%s\n\nreplace (\n' "$version"
  for module in $staging; do printf '\tk8s.io/%s => k8s.io/%s v0.%s\n' "$module" "$module" "${version#*.}"; done
  printf ')\n'
} >"$folder/go.mod"
{
  printf '//go:build tools\n\npackage tools\n\nimport (\n'
  for program in kube-apiserver kube-controller-manager kube-scheduler kubectl; do printf '\t_ "k8s.io/kubernetes/cmd/%s"\n' "$program"; done
  printf '\t_ "go.etcd.io/etcd/server/v3"\n)\n'
} >"$folder/tools.go"

export GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS="-mod=mod -trimpath" GOWORK=off
if [ -t 2 ]; then echo "fetch-kubernetes: building Kubernetes $version (some minutes, once)" >&2; fi
step() { # what, command...: its last words are the reason where it fails
  what=$1; shift
  (cd "$folder" && nice timeout 3000 "$@" >go.log 2>&1) || fail "cannot $what: $(tail -n 1 "$folder/go.log")"
}
step "fetch Kubernetes $version's modules" go mod tidy
component=k8s.io/component-base/version
step "build Kubernetes $version" go build -ldflags \
  "-s -w -X $component.gitVersion=v$version -X $component.gitMajor=1 -X $component.gitMinor=34" -o bin/ \
  k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kube-controller-manager k8s.io/kubernetes/cmd/kube-scheduler k8s.io/kubernetes/cmd/kubectl
step "build etcd" go build -ldflags "-s -w" -o bin/etcd go.etcd.io/etcd/server/v3
"$folder/bin/kube-apiserver" --version >/dev/null 2>&1 || fail "the API server that was built does not run here"
echo "$version" >"$folder/fetched"
echo "$folder/bin"
