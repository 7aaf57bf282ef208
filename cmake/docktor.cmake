# docktor_library(NAME sources...): a static library, of the product or of what tests share.
function(docktor_library name)
  add_library(${name} STATIC ${ARGN})
endfunction()

# docktor_folder(NAME libs...): one static library of the folder's .cc files, and one test program of its *_test.cc files.
# The link libraries are the folder's only arrows; core never depends on a leaf.
# docktor_folder(NAME EXCEPT files.cc... LIBRARIES libs...): without files that another library of the folder has.
function(docktor_folder name)
  cmake_parse_arguments(ARG "" "" "EXCEPT;LIBRARIES" ${ARGN})
  file(GLOB all CONFIGURE_DEPENDS *.cc)
  set(tests ${all})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  set(sources ${all})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  list(TRANSFORM ARG_EXCEPT PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  list(REMOVE_ITEM sources ${ARG_EXCEPT})
  docktor_library(docktor_${name} ${sources})
  target_include_directories(docktor_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
  target_link_libraries(docktor_${name} PUBLIC ${ARG_UNPARSED_ARGUMENTS} ${ARG_LIBRARIES})
  if(name MATCHES "^(queue|target)_")
    set_property(GLOBAL APPEND PROPERTY DOCKTOR_KINDS docktor_${name})  # app/kinds.cc lists them
  endif()
  if(DOCKTOR_TESTS AND tests)
    docktor_test(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE docktor_${name})
  endif()
endfunction()

# docktor_add_folders(): every folder here that has a CMakeLists.txt: a further kind is a folder, and no line here.
function(docktor_add_folders)
  file(GLOB folders CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} */CMakeLists.txt)
  foreach(folder ${folders})
    get_filename_component(folder ${folder} DIRECTORY)
    add_subdirectory(${folder})
  endforeach()
endfunction()

# docktor_test_program(NAME sources...): a GoogleTest program without a main(), which add_test() runs as a whole.
function(docktor_test_program name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE GTest::gmock GTest::gtest)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  # A fifth less time to build; what is measured (bench, the product itself) is built at -O2.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
endfunction()

# docktor_test(NAME sources...): a GoogleTest program, each of its tests a ctest of its own. DOCKTOR_TEST_PROPERTIES: further
# properties of these tests.
function(docktor_test name)
  docktor_test_program(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE GTest::gtest_main)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 300
                       ${DOCKTOR_TEST_PROPERTIES})
endfunction()
