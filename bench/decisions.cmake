# Every trace, every peer: what docs/decisions.md is made of.
add_executable(decisions_bench decisions/main.cc decisions/runs.cc decisions/setups.cc decisions/choose.cc
               decisions/grid.cc decisions/document.cc decisions/replay.cc)
target_include_directories(decisions_bench PRIVATE ${CMAKE_SOURCE_DIR})
target_link_libraries(decisions_bench PRIVATE docktor_sim)
# The same loads with workers as people write them: docs/workers.md.
add_executable(workers_bench decisions/workers.cc)
target_link_libraries(workers_bench PRIVATE docktor_sim)
