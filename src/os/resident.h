// What of the program itself is in memory.
#pragma once

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace docktor {

/// Lets go of the code that ran until now, of the program and its libraries: most of what a start needs (options, files,
/// libraries that set themselves up) never runs again, and what does is mapped anew from the system's cache with its next
/// call. docs/performance.md has what a daemon has resident.
inline void let_go_of_code() {
  dl_iterate_phdr(
      [](dl_phdr_info* object, std::size_t, void*) {
        const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
        for (int i = 0; i < object->dlpi_phnum; ++i) {
          const auto& part = object->dlpi_phdr[i];
          if (part.p_type != PT_LOAD || !(part.p_flags & PF_X) || (part.p_flags & PF_W)) continue;
          const std::uintptr_t begin = (object->dlpi_addr + part.p_vaddr + page - 1) / page * page;
          const std::uintptr_t end = (object->dlpi_addr + part.p_vaddr + part.p_memsz) / page * page;
          if (begin >= end) continue;
          // NOLINTNEXTLINE(performance-no-int-to-ptr): the loader tells addresses as numbers
          ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
        }
        return 0;
      },
      nullptr);
}

/// Gives back what was used for a while and is no longer: after much has been read at once. It takes a millisecond or more.
inline void let_go_of_memory() { ::malloc_trim(0); }

}  // namespace docktor
