# Workers as people write them, under the real daemon; the trials are those of tests/workers.
add_executable(workers_bench workers/main.cc workers/rows.cc)
target_include_directories(workers_bench PRIVATE ${CMAKE_SOURCE_DIR})
target_link_libraries(workers_bench PRIVATE docktor_trial)
