# Workers as people write them, under the real daemon; the trials are those of tests/workers.
add_executable(real_workers_bench real_workers/main.cc real_workers/rows.cc)
target_include_directories(real_workers_bench PRIVATE ${CMAKE_SOURCE_DIR})
target_link_libraries(real_workers_bench PRIVATE docktor_trial)
