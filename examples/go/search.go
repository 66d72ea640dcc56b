// maxdot from Go: opens an index, searches it from 8 goroutines, checks the answers.
//
//	CGO_CFLAGS=$(pkg-config --cflags maxdot) CGO_LDFLAGS=$(pkg-config --libs maxdot) go run search.go items.maxdot
package main

/*
#include <maxdot/maxdot.h>
#include <stdlib.h>

static maxdot_status info_of(const maxdot_index* index, maxdot_index_info* info) {
  MAXDOT_INIT(*info);
  return maxdot_info(index, info);
}
*/
import "C"

import (
	"fmt"
	"os"
	"reflect"
	"runtime"
	"sync"
	"unsafe"
)

const (
	queries = 200
	k       = 10
	workers = 8
)

// The text of an error is its thread's, so a call and the question what went wrong stay on one.
func checked(call func() C.maxdot_status) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if call() != C.MAXDOT_OK {
		fmt.Fprintln(os.Stderr, C.GoString(C.maxdot_error_text()))
		os.Exit(1)
	}
}

type answer struct {
	ids    []int64
	scores []float64
}

func search(index *C.maxdot_index, rows []float32, dimension int) answer {
	count := len(rows) / dimension
	found := answer{make([]int64, count*k), make([]float64, count*k)}
	// Memory that C keeps a pointer to within a struct must not be Go's.
	data := C.CBytes(unsafe.Slice((*byte)(unsafe.Pointer(&rows[0])), 4*len(rows)))
	defer C.free(data)
	matrix := C.maxdot_matrix{data: data, dtype: C.MAXDOT_F32, rows: C.int64_t(count), cols: C.int64_t(dimension)}
	checked(func() C.maxdot_status {
		return C.maxdot_search(index, &matrix, k, nil, (*C.int64_t)(&found.ids[0]), (*C.double)(&found.scores[0]), nil)
	})
	return found
}

func main() {
	path := C.CString(os.Args[1])
	defer C.free(unsafe.Pointer(path))
	var index *C.maxdot_index
	checked(func() C.maxdot_status { return C.maxdot_open(path, nil, &index) })
	defer C.maxdot_close(index)
	var info C.maxdot_index_info
	checked(func() C.maxdot_status { return C.info_of(index, &info) })
	dimension := int(info.dimension)
	rows := make([]float32, queries*dimension)
	for row := 0; row < queries; row++ {
		at := (*C.float)(&rows[row*dimension])
		checked(func() C.maxdot_status { return C.maxdot_item_row(index, C.int64_t(row), at) })
	}
	whole := search(index, rows, dimension)

	var group sync.WaitGroup
	for w := 0; w < workers; w++ {
		group.Add(1)
		go func() {
			defer group.Done()
			var found answer
			for q := 0; q < queries; q++ {
				one := search(index, rows[q*dimension:(q+1)*dimension], dimension)
				found.ids = append(found.ids, one.ids...)
				found.scores = append(found.scores, one.scores...)
			}
			if !reflect.DeepEqual(found, whole) {
				fmt.Fprintln(os.Stderr, "a goroutine found something else")
				os.Exit(1)
			}
		}()
	}
	group.Wait()
	fmt.Printf("maxdot %s: %d goroutines found the same %d neighbours of %d items\n",
		C.GoString(C.maxdot_version()), workers, k, queries)
}
