// provisioner: makes and frees the stack's volumes: on the real node local ones, one folder a claim; on the fake one such as have nothing
// behind them.
//
// A volume of type `local` (unlike a hostPath one) gets fsGroup applied by the kubelet, so that a process with its own user can write.
// It knows one node and one folder; whatever is asked of it elsewhere it leaves alone. What failed is tried again at the next resync.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	name          = "howdah.dev/local"
	nothing       = "howdah.dev/fake"
	resync        = 5 * time.Second
	selectedNode  = "volume.kubernetes.io/selected-node" // set by the scheduler once the claim's first pod has a place
	provisioner   = "volume.kubernetes.io/storage-provisioner"
	provisionedBy = "pv.kubernetes.io/provisioned-by"
)

type local struct {
	client       kubernetes.Interface
	folder, node string
}

// provision makes what stands behind the volume, and the volume already bound to its claim; the volume controller does the rest.
func (l local) provision(ctx context.Context, claim *v1.PersistentVolumeClaim) error {
	if claim.Spec.VolumeName != "" || claim.DeletionTimestamp != nil || claim.Spec.StorageClassName == nil {
		return nil
	}
	by := claim.Annotations[provisioner]
	volume := &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "pvc-" + string(claim.UID), Annotations: map[string]string{provisionedBy: by}},
		Spec: v1.PersistentVolumeSpec{
			StorageClassName:              *claim.Spec.StorageClassName,
			PersistentVolumeReclaimPolicy: v1.PersistentVolumeReclaimDelete,
			AccessModes:                   claim.Spec.AccessModes,
			Capacity:                      v1.ResourceList{v1.ResourceStorage: claim.Spec.Resources.Requests[v1.ResourceStorage]},
			ClaimRef:                      &v1.ObjectReference{Kind: "PersistentVolumeClaim", APIVersion: "v1", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID},
		},
	}
	switch {
	case by == name && claim.Annotations[selectedNode] == l.node:
		path := filepath.Join(l.folder, volume.Name)
		if err := os.MkdirAll(path, 0o770); err != nil {
			return err
		}
		volume.Spec.Local = &v1.LocalVolumeSource{Path: path}
		volume.Spec.NodeAffinity = &v1.VolumeNodeAffinity{Required: &v1.NodeSelector{NodeSelectorTerms: []v1.NodeSelectorTerm{{
			MatchExpressions: []v1.NodeSelectorRequirement{{Key: v1.LabelHostname, Operator: v1.NodeSelectorOpIn, Values: []string{l.node}}},
		}}}}
	case by == nothing:
		volume.Spec.HostPath = &v1.HostPathVolumeSource{Path: "/nowhere"}
	default:
		return nil
	}
	_, err := l.client.CoreV1().PersistentVolumes().Create(ctx, volume, metav1.CreateOptions{})
	if errors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// free removes what a released volume held, then the volume: in this order a failure loses no track of the folder.
func (l local) free(ctx context.Context, volume *v1.PersistentVolume) error {
	if volume.Status.Phase != v1.VolumeReleased || volume.DeletionTimestamp != nil {
		return nil
	}
	switch by := volume.Annotations[provisionedBy]; {
	case by == name && volume.Spec.Local != nil && filepath.Dir(volume.Spec.Local.Path) == l.folder:
		if err := os.RemoveAll(volume.Spec.Local.Path); err != nil {
			return err
		}
	case by == nothing:
	default:
		return nil
	}
	err := l.client.CoreV1().PersistentVolumes().Delete(ctx, volume.Name, metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(volume.UID))})
	if errors.IsNotFound(err) {
		return nil
	}
	return err
}

// each calls do for every object that comes or changes, and for all of them at each resync.
func each[T metav1.Object](ctx context.Context, informer cache.SharedIndexInformer, do func(context.Context, T) error) {
	handle := func(object any) {
		if o, ok := object.(T); ok {
			if err := do(ctx, o); err != nil {
				log.Printf("%s: %v", o.GetName(), err)
			}
		}
	}
	if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: handle, UpdateFunc: func(_, now any) { handle(now) }}); err != nil {
		log.Fatal(err)
	}
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	folder := flag.String("folder", "", "where the volumes' folders are made")
	node := flag.String("node", "", "the node that sees the folder")
	flag.Parse()

	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	config.QPS, config.Burst = 100, 200
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	l := local{client, filepath.Clean(*folder), *node}
	factory := informers.NewSharedInformerFactory(client, resync)
	each(ctx, factory.Core().V1().PersistentVolumeClaims().Informer(), l.provision)
	each(ctx, factory.Core().V1().PersistentVolumes().Informer(), l.free)
	factory.Start(ctx.Done())
	<-ctx.Done()
}
