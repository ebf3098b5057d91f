// Large arrays in large pages. A postsynaptic spike touches one synapse of every source, each in
// another page of 4 kB that has to be looked up. Linux gives pages of 2 MB to those who ask; elsewhere,
// and where it refuses, nothing happens.

#ifndef SYNSIM_MEMORY_H
#define SYNSIM_MEMORY_H

#include <cstddef>
#include <cstdint>
#include <vector>
#ifdef __linux__
#include <sys/mman.h>
#endif

namespace synsim {

template <typename T> inline void large_pages(std::vector<T> &array)
{
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    const uintptr_t page = (uintptr_t)1 << 21;
    const uintptr_t begin = ((uintptr_t)array.data() + page - 1) & ~(page - 1);
    const uintptr_t end = (uintptr_t)(array.data() + array.size()) & ~(page - 1);
    if (end <= begin)
        return;
    madvise((void *)begin, end - begin, MADV_HUGEPAGE);
    const int collapse_now = 25; // MADV_COLLAPSE, since Linux 6.1
    madvise((void *)begin, end - begin, collapse_now);
#endif
}

} // namespace synsim

#endif
